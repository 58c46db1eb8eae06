/**
 * Which part of the body an image shows, as a defined term of Body Part Examined (PS3.16 Annex L, Table L-1): from the header
 * where it says so, else from unmistakable words of the descriptions, in English and French. Never guessed.
 */

/** Anatomic Region Sequence: SNOMED CT code (PS3.16 CID 4031) → defined term. */
const CODES: Readonly<Record<string, string>> = {
  '85856004': 'ACJOINT',
  '70258002': 'ANKLE',
  '40983000': 'UPPERARM',
  '53120007': 'ARM',
  '371195002': 'ARM',
  '80144004': 'CALCANEUS',
  '122494005': 'CSPINE',
  '51185008': 'CHEST',
  '416550000': 'CHESTABDOMEN',
  '51299004': 'CLAVICLE',
  '64688005': 'COCCYX',
  '16953009': 'ELBOW',
  '66019005': 'EXTREMITY',
  '91397008': 'FACE',
  '71341001': 'FEMUR',
  '87342007': 'FIBULA',
  '7569003': 'FINGER',
  '56459004': 'FOOT',
  '14975008': 'FOREARM',
  '85562004': 'HAND',
  '69536005': 'HEAD',
  '29836001': 'HIP',
  '24136001': 'HIP',
  '85050009': 'HUMERUS',
  '661005': 'JAW',
  '72696002': 'KNEE',
  '30021000': 'LEG',
  '61685007': 'LEG',
  '72001000': 'LEG',
  '122496007': 'LSPINE',
  '297173004': 'LSSPINE',
  '70925003': 'MAXILLA',
  '45048000': 'NECK',
  '64234005': 'PATELLA',
  '12921003': 'PELVIS',
  '416631005': 'PELVIS',
  '113197003': 'RIB',
  '54735007': 'SSPINE',
  '79601000': 'SCAPULA',
  '16982005': 'SHOULDER',
  '89546000': 'SKULL',
  '421060004': 'SPINE',
  '7844006': 'SCJOINT',
  '56873002': 'STERNUM',
  '68367000': 'THIGH',
  '122495006': 'TSPINE',
  '297172009': 'TLSPINE',
  '76505004': 'THUMB',
  '29707007': 'TOE',
  '12611008': 'TIBIA',
  '62413002': 'RADIUS',
  '23416004': 'ULNA',
  '74670003': 'WRIST',
  '8205005': 'WRIST',
  '113345001': 'ABDOMEN',
  '818981001': 'ABDOMEN',
  '818983003': 'ABDOMEN',
  '76752008': 'BREAST',
  '38266002': 'WHOLEBODY',
};

/**
 * Words after folding → defined term. Longer phrases first: "avant bras" is not "bras". A word that means something else in the
 * other language stands in AMBIGUOUS instead.
 */
const WORDS: readonly (readonly [RegExp, string])[] = (
  [
    ['COLONNE DU POUCE', 'THUMB'],
    ['AC JOINTS?|ACROMIO ?CLAVICULAR|ACROMIO ?CLAVICULAIRE', 'ACJOINT'],
    ['STERNO ?CLAVICULAR|STERNO ?CLAVICULAIRE', 'SCJOINT'],
    ['AVANT ?BRAS|FOREARMS?|LOWER ARM', 'FOREARM'],
    ['RADIUS ?ULNA|RADIUS (?:ET|AND) (?:ULNA|CUBITUS)', 'RADIUSULNA'],
    ['TIB(?:IA)? ?FIB(?:ULA)?|TIBIA (?:ET|AND) (?:FIBULA|PERONE)|JAMBES?|LOWER LEGS?', 'LEG'],
    ['UPPER ARMS?|HUMERUS|BRAS', 'HUMERUS'],
    ['CHEST|THORAX|THORACIQUE|POUMONS?|LUNGS?|PULMONAIRE', 'CHEST'],
    ['GRIL COSTAL|COTES|RIBS?', 'RIB'],
    ['RACHIS|COLONNE|SPINE|LOMBAIRES?|LUMBAR|CERVICALE?S?|VERTEBR[A-Z]*|SACRUM|COCCYX', 'SPINE'],
    ['CRANE|SKULL|FACE MASSIF|SINUS|ORBIT[A-Z]*|MANDIBUL[A-Z]*|MAXILLA[A-Z]*|NEZ|OPN|NASAL', 'SKULL'],
    ['ABDOMEN|ABDOMINAL|ASP|KUB', 'ABDOMEN'],
    ['BASSIN|PELVIS|PELVIC|PELVIEN', 'PELVIS'],
    ['HIPS?|HANCHES?', 'HIP'],
    ['SHOULDERS?|EPAULES?', 'SHOULDER'],
    ['CLAVICLES?|CLAVICULES?', 'CLAVICLE'],
    ['SCAPULA|OMOPLATES?', 'SCAPULA'],
    ['ELBOWS?|COUDES?', 'ELBOW'],
    ['WRISTS?|POIGNETS?|SCAPHOIDES?|SCAPHOID', 'WRIST'],
    ['HANDS?|METACARP[A-Z]*', 'HAND'],
    ['THUMBS?|POUCES?', 'THUMB'],
    ['FINGERS?|DOIGTS?', 'FINGER'],
    ['FEMURS?', 'FEMUR'],
    ['THIGHS?|CUISSES?', 'THIGH'],
    ['KNEES?|GENOUX?', 'KNEE'],
    ['PATELLAE?|ROTULES?', 'PATELLA'],
    ['ANKLES?|CHEVILLES?', 'ANKLE'],
    ['CALCANEUS|CALCANEUM|TALONS?|HEELS?', 'CALCANEUS'],
    ['FOOT|FEET|PIEDS?|AVANT ?PIEDS?|METATARS[A-Z]*', 'FOOT'],
    ['TOES?|ORTEILS?|HALLUX', 'TOE'],
    ['TIBIAS?', 'TIBIA'],
    ['FIBULA|PERONE', 'FIBULA'],
    ['LEGS?', 'LEG'],
    ['(?<!\\bC )ARMS?', 'ARM'],
    ['BREASTS?|SEINS?|MAMMO[A-Z]*', 'BREAST'],
  ] as const
).map(([pattern, term]) => [new RegExp(`\\b(?:${pattern})\\b`, 'g'), term] as const);

/** "Main" is a hand in French and an adjective in English: only with a French word of the trade beside it, or alone. */
const FRENCH_HAND = /\bMAINS?\b/;
const FRENCH_COMPANY =
  /\b(?:DE LA|DES|LA|LES|DROITES?|GAUCHES?|DTE|DT|DR|D|G|GCHE|RADIO[A-Z]*|RX|FACE|PROFIL|INCIDENCES?)\b/;

/** Says nothing: a body part that leaves the region open is looked up in the descriptions. */
const OPEN = new Set([
  '',
  'UNKNOWN',
  'OTHER',
  'NONE',
  'NA',
  'BODYPART',
  'GENERAL',
  'MISC',
  'BONE',
  'EXTREMITY',
  'SKELETON',
]);

/** Upper case, without accents, words parted by single spaces. */
const words = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, ' ')
    .trim();

/** Every body part that the words name, each once, in the order of WORDS. */
function named(text: string, handAlone: boolean): string[] {
  let rest = words(text);
  const found: string[] = [];
  if (
    FRENCH_HAND.test(rest) &&
    (handAlone || FRENCH_HAND.exec(rest)![0] === rest || FRENCH_COMPANY.test(rest))
  ) {
    found.push('HAND');
    rest = rest.replace(/\bMAINS?\b/g, ' ');
  }
  for (const [pattern, term] of WORDS) {
    const without = rest.replace(pattern, ' | ');
    if (without !== rest) found.push(term);
    rest = without;
  }
  return [...new Set(found)];
}

export interface BodyPartSources {
  /** (0018,0015), may be empty. */
  readonly bodyPartExamined: string;
  /** Code values of Anatomic Region Sequence (0008,2218), scheme SCT. */
  readonly anatomicRegions?: readonly string[];
  readonly seriesDescription: string;
  readonly studyDescription: string;
  /** Defined terms that the caller knows: a value among them is taken as it stands. */
  readonly known: ReadonlySet<string>;
}

/**
 * The parts that the image may show: one as a rule, several when the source names several, none when nothing says it.
 * The first source that says anything decides: Anatomic Region Sequence, Body Part Examined, Series Description, Study Description.
 */
export function bodyPartsOf(sources: BodyPartSources): string[] {
  const coded = (sources.anatomicRegions ?? []).flatMap((code) => CODES[code] ?? []);
  if (coded.some((part) => !OPEN.has(part))) return [...new Set(coded)];

  const examined = words(sources.bodyPartExamined);
  const term = examined.replaceAll(' ', '');
  const says = !OPEN.has(term);
  if (says) {
    if (sources.known.has(term)) return [term];
    const parts = named(examined, true);
    // A term that nobody here knows is still what the header says: better "NASALBONE" refused than a description believed.
    return parts.length > 0 ? parts : [term];
  }
  for (const description of [sources.seriesDescription, sources.studyDescription]) {
    const parts = named(description, false);
    if (parts.length > 0) return parts;
  }
  if (coded.includes('EXTREMITY') || term === 'EXTREMITY') return ['EXTREMITY'];
  return [];
}
