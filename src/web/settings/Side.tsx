/** One side of a comparison: the picture where it can be drawn, whose it is, where it came from. */
import { ImageOff } from 'lucide-react';
import { useState } from 'react';
import type { QuarantineView } from '../../doors/api/contract.ts';
import { dicomDate, personName } from '../format.ts';
import { useText } from '../text.ts';

export function Side(props: {
  title: string;
  facts: QuarantineView['facts'];
  picture: string | null;
  /** When, by which door, from whom, how large. */
  origin: string[];
}) {
  const { t, language } = useText();
  const [broken, setBroken] = useState(false);
  const { facts } = props;
  return (
    <div className="side">
      <h3>{props.title}</h3>
      <div className="side-picture">
        {props.picture && !broken ? (
          <img src={props.picture} alt={props.title} onError={() => setBroken(true)} />
        ) : (
          <span className="muted">
            <ImageOff size={20} aria-hidden /> {t('quarantine.noPicture')}
          </span>
        )}
      </div>
      <p>
        <b>
          <bdi>{(facts && personName(facts.patientName)) || t('patient.unnamed')}</bdi>
        </b>
        {facts && (
          <span className="muted num block">
            {[
              facts.patientId,
              facts.modality,
              dicomDate(facts.studyDate, language),
              facts.rows && facts.columns ? `${facts.columns} × ${facts.rows}` : '',
              facts.frames > 1 ? t('quarantine.frames', { count: facts.frames }) : '',
            ]
              .filter(Boolean)
              .join(' · ')}
          </span>
        )}
        <span className="muted num block">{props.origin.join(' · ')}</span>
      </p>
    </div>
  );
}
