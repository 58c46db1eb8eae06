import { addCatalogue } from '../../i18n/index.ts';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './objects.css';

addCatalogue({ fr, en });
