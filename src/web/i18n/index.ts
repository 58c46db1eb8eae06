/**
 * The catalogues: flat dotted keys, `fr.json` and `en.json` with the same keys; a further language is one file and one
 * line here. A page that is loaded lazily may bring its own pair with `addCatalogue`.
 */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Language } from '../../doors/api/contract.ts';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };

const KEY = 'negatoscope.language';
export const LANGUAGES: readonly Language[] = ['fr', 'en'];

function first(): Language {
  try {
    const stored = localStorage.getItem(KEY);
    if (stored === 'fr' || stored === 'en') return stored;
  } catch {
    // Storage is switched off: the browser's language.
  }
  return navigator.language.toLowerCase().startsWith('fr') ? 'fr' : 'en';
}

void i18next.use(initReactI18next).init({
  lng: first(),
  fallbackLng: 'en',
  resources: { fr: { translation: fr }, en: { translation: en } },
  keySeparator: false,
  nsSeparator: false,
  returnNull: false,
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
});
document.documentElement.lang = i18next.language;
i18next.on('languageChanged', (language) => {
  document.documentElement.lang = language;
});

export function setLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // The account remembers it.
  }
  if (i18next.language !== language) void i18next.changeLanguage(language);
}

/** Adds a lazily loaded page's own texts. */
export function addCatalogue(catalogue: Record<Language, Record<string, string>>): void {
  for (const language of LANGUAGES) i18next.addResources(language, 'translation', catalogue[language]);
}

export { i18next };
