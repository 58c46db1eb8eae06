/** What a mark says, in a few words on the image and in a sentence for the report, French and English. */
import { quantity, type Mark, type Quantity } from './marks.ts';

export type WordsLanguage = 'fr' | 'en';

const WORDS = {
  fr: {
    cobb: 'Cobb',
    ctr: 'ICT',
    mean: 'moy.',
    from: 'de',
    to: 'à',
    area: 'aire',
    hu: 'UH',
    value: 'valeur',
    short: { detector: 'au détecteur', estimated: 'grandissement corrigé', none: 'non calibré' },
    long: {
      length: 'Longueur',
      angle: 'Angle',
      cobb: 'Angle de Cobb',
      ctr: 'Index cardiothoracique',
      ellipse: 'Région d’intérêt',
      rectangle: 'Région d’intérêt',
      probe: 'Valeur',
      arrow: 'Annotation',
      text: 'Annotation',
    },
    notes: {
      detector: 'mesuré au plan du détecteur, l’objet est plus petit',
      estimated: 'corrigé du grandissement indiqué',
      none: 'non calibré',
    },
    colon: '\u00a0: ',
    heart: 'cœur',
    thorax: 'thorax',
    sd: 'écart-type',
  },
  en: {
    cobb: 'Cobb',
    ctr: 'CTR',
    mean: 'mean',
    from: 'from',
    to: 'to',
    area: 'area',
    hu: 'HU',
    value: 'value',
    short: { detector: 'at the detector', estimated: 'magnification corrected', none: 'not calibrated' },
    long: {
      length: 'Length',
      angle: 'Angle',
      cobb: 'Cobb angle',
      ctr: 'Cardiothoracic ratio',
      ellipse: 'Region of interest',
      rectangle: 'Region of interest',
      probe: 'Value',
      arrow: 'Annotation',
      text: 'Annotation',
    },
    notes: {
      detector: 'measured at the plane of the detector, the object is smaller',
      estimated: 'corrected by the magnification stated',
      none: 'not calibrated',
    },
    colon: ': ',
    heart: 'heart',
    thorax: 'thorax',
    sd: 'standard deviation',
  },
} as const;

const decimal = (value: number, digits: number, language: WordsLanguage): string =>
  new Intl.NumberFormat(language === 'fr' ? 'fr-FR' : 'en-GB', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    useGrouping: false,
  }).format(value === 0 ? 0 : value);

/** "63,4 mm", "1,24 cm²", "154 px", "−12 UH". */
export function quantityText({ value, unit, name }: Quantity, language: WordsLanguage): string {
  switch (unit) {
    case 'mm':
      return `${decimal(value, 1, language)}\u00a0mm`;
    case 'px':
      return `${decimal(value, 0, language)}\u00a0px`;
    case 'mm2':
      return value < 100
        ? `${decimal(value, 1, language)}\u00a0mm²`
        : `${decimal(value / 100, 2, language)}\u00a0cm²`;
    case 'px2':
      return `${decimal(value, 0, language)}\u00a0px²`;
    case 'deg':
      return `${decimal(value, 1, language)}°`;
    case 'HU':
      return `${decimal(value, 0, language)}\u00a0${WORDS[language].hu}`;
    case '1':
      return decimal(value, 2, language);
    default:
      return decimal(value, name === 'mean' || name === 'sd' ? 1 : Number.isInteger(value) ? 0 : 2, language);
  }
}

type Said = Pick<Mark, 'kind' | 'quantities' | 'calibration' | 'text'>;

/** Marks whose label shows lengths or areas; the sentence for a cardiothoracic ratio states the widths, too. */
const IN_LABEL: readonly Mark['kind'][] = ['length', 'ellipse', 'rectangle'];
const IN_SENTENCE: readonly Mark['kind'][] = [...IN_LABEL, 'ctr'];
/** Whether how lengths are known has to be said beside a mark of one of these kinds (PS3.3 10.7.1.3). */
const noteOf = (
  { kind, calibration }: Said,
  kinds: readonly Mark['kind'][],
): 'detector' | 'estimated' | 'none' | null =>
  kinds.includes(kind) && calibration !== 'calibrated' && calibration !== 'region' ? calibration : null;

const bare = (each: Quantity, language: WordsLanguage): string =>
  quantityText({ ...each, unit: '' }, language);

/** Lines beside the mark on the image. */
export function labelLines(mark: Said, language: WordsLanguage): string[] {
  const words = WORDS[language];
  const say = (name: Quantity['name']) => {
    const found = quantity(mark, name);
    return found && quantityText(found, language);
  };
  const note = noteOf(mark, IN_LABEL);
  const lines: (string | undefined)[] = [];
  const [mean, sd, min, max] = (['mean', 'sd', 'min', 'max'] as const).map((name) => quantity(mark, name));
  switch (mark.kind) {
    case 'length':
      lines.push(say('length'));
      break;
    case 'angle':
      lines.push(say('angle'));
      break;
    case 'cobb':
      lines.push(`${words.cobb} ${say('angle')}`);
      break;
    case 'ctr':
      lines.push(say('ratio') && `${words.ctr} ${say('ratio')}`);
      break;
    case 'ellipse':
    case 'rectangle':
      if (mean && sd) {
        const unit = mean.unit === 'HU' ? `\u00a0${words.hu}` : '';
        lines.push(`${words.mean} ${bare(mean, language)} ± ${bare(sd, language)}${unit}`);
      }
      if (min && max) lines.push(`${bare(min, language)} ${words.to} ${bare(max, language)}`);
      lines.push(say('area') && `${words.area} ${say('area')}`);
      break;
    case 'probe':
      lines.push(say('value'));
      break;
    default:
      break;
  }
  if (note) lines.push(words.short[note]);
  if (mark.text) lines.push(mark.text);
  return lines.filter((line) => line !== undefined && line !== '') as string[];
}

/**
 * One plain sentence for the report: "Longueur : 63,4 mm (image 2, non calibré)". It says what was measured and how far the
 * figure can be relied on, never what it means. `place`: the image's number for people; null where its stack has one.
 */
export function sentenceOf(mark: Said, place: number | null, language: WordsLanguage): string {
  const words = WORDS[language];
  if (mark.kind === 'key') return '';
  const say = (name: Quantity['name']) => {
    const found = quantity(mark, name);
    return found ? quantityText(found, language) : '';
  };
  const note = noteOf(mark, IN_SENTENCE);
  const mean = quantity(mark, 'mean');
  const sd = quantity(mark, 'sd');
  const min = quantity(mark, 'min');
  const max = quantity(mark, 'max');
  let what: string;
  switch (mark.kind) {
    case 'length':
      what = say('length');
      break;
    case 'angle':
    case 'cobb':
      what = say('angle');
      break;
    case 'ctr':
      what = `${say('ratio')} (${words.heart} ${say('heart')}, ${words.thorax} ${say('thorax')})`;
      break;
    case 'probe':
      what = say('value');
      break;
    case 'ellipse':
    case 'rectangle':
      what = [
        mean && `${words.mean} ${quantityText(mean, language)}`,
        sd && `${words.sd} ${bare(sd, language)}`,
        min && max && `${words.from} ${bare(min, language)} ${words.to} ${bare(max, language)}`,
        say('area') && `${words.area} ${say('area')}`,
      ]
        .filter(Boolean)
        .join(', ');
      break;
    default:
      what = mark.text ?? '';
  }
  const named =
    mark.kind !== 'arrow' && mark.kind !== 'text' && mark.text ? mark.text : words.long[mark.kind];
  const beside = [place === null ? '' : `image ${place}`, note ? words.notes[note] : ''].filter(Boolean);
  const body = `${named}${words.colon}${what}${beside.length ? ` (${beside.join(', ')})` : ''}`;
  return /[.!?]$/.test(body) ? body : `${body}.`;
}
