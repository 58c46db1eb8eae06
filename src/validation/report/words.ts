/** What a report says, in French and English. Sentences for those who read images; the names of methods stand in small print. */
import type { Text } from '../../assist/types.ts';
import { MINIMUM_CASES } from '../../evidence/statistics.ts';
import type { Exclusion, Pair } from '../types.ts';

export type Language = 'fr' | 'en';
const NBSP = '\u00a0';

const EN = {
  title: 'Validation study',
  colon: ':',
  notDevice:
    'Research software, not a certified medical device. These figures describe one tool on these images; they do not permit its use on patients.',
  short: 'In short',
  measured: 'What was measured',
  flowTitle: 'Where the images went',
  rocTitle: 'How well the score separates (ROC)',
  pointsTitle: 'At each threshold',
  prevalenceTitle: 'If the finding were rarer or more frequent',
  frocTitle: 'Are the places right? (FROC, by lesion)',
  calibrationTitle: 'Can the score be read as a probability?',
  variantsTitle: 'The same on other images',
  subgroupsTitle: 'By subgroup',
  comparisonTitle: 'Compared with another model',
  exclusionsTitle: 'Images that are not counted',
  timeTitle: 'Run time',
  limitsTitle: 'What may not be concluded',
  methodsTitle: 'Methods',
  facts: {
    model: 'Tool',
    version: 'Version',
    maker: 'Maker',
    regulatory: 'Regulatory status',
    weights: 'Weights (SHA-256)',
    intendedUse: 'Intended use',
    finding: 'Finding',
    labels: 'Table of labels (SHA-256)',
    labelColumn: 'Column taken as the truth',
    cases: 'Images counted',
    made: 'Report made',
  },
  casesOf: (n: string, positives: string, negatives: string) =>
    `${n}: ${positives} with the finding, ${negatives} without`,
  sentence: (marked: string, wrong: string, point: string) =>
    `At the threshold “${point}” the tool marks ${marked} with the finding and, wrongly, ${wrong} without it.`,
  ofHundred: (value: string, range: string) => `${value} of 100 images (95 % interval ${range})`,
  ofCount: (k: string, n: string) => `${k} of the ${n} images`,
  ranking: (value: string, range: string) =>
    `Of two images, one with the finding and one without, the tool gives the higher score to the right one ${value} times in 100 (95 % interval ${range}): that is the area under the ROC curve.`,
  weightedTitle: 'Weighed by the chance of being drawn',
  weighted: (n: string, positives: string) =>
    `The table has a column “weight”: its images were drawn with unequal chances, from about ${n} images, about ${positives} of them with the finding. The figures in short and in this table weigh each image by it and hold for the whole. Everything below describes the drawn images alone, among which the tool’s marks are too frequent or too rare.`,
  weightedIntervals: 'Intervals: 2,000 draws within the images of equal weight.',
  few: (n: string) =>
    `Fewer than ${MINIMUM_CASES} images on one side (${n}): counts are shown instead of percentages, and intervals are wide.`,
  fewMark: `† fewer than ${MINIMUM_CASES} images with or without the finding: chance weighs more than the tool.`,
  separate:
    'The two groups of images are wholly separate here, so the formula gives no interval. Other images would not be.',
  auc: (value: string, range: string) => `Area under the curve ${value} (95 % interval ${range}, DeLong).`,
  columns: {
    point: 'Threshold',
    sensitivity: 'Sensitivity',
    specificity: 'Specificity',
    ppv: 'Positive predictive value',
    npv: 'Negative predictive value',
    counts: 'Marked right / wrongly; unmarked right / missed',
    prevalence: 'Prevalence',
    rate: 'False marks an image, at most',
    reached: 'reached',
    lesions: 'Lesions found',
    images: 'Images (with finding)',
    area: 'Area under the curve',
    which: 'Images',
    group: 'Group',
    reason: 'Reason',
    number: 'Number',
    image: 'Image',
    detail: 'Detail',
    scores: 'Scores',
    mean: 'Mean score',
    observed: 'Observed',
    exact: 'Exact interval (Clopper–Pearson)',
  },
  exactTitle: 'Exact intervals, for those who ask for them',
  ppvNote: (prevalence: string) =>
    `The predictive values hold for the share of images with the finding among these (${prevalence}). In a practice it is another: see the next section.`,
  prevalenceNote: (point: string) =>
    `At the threshold “${point}”, from the sensitivity and specificity measured here.`,
  frocNote: (images: string, lesions: string, overlap: string) =>
    `${images} images with ${lesions} outlined lesions. A place counts as a hit when its centre lies in the lesion’s box, or the two boxes overlap by more than ${overlap} (intersection over union); several places on one lesion count once; a place on no lesion is a false mark. Intervals: 2,000 draws of images.`,
  frocLeft: (left: string) =>
    `${left} image(s) are left out here: with the finding but without a box, or with boxes that contradict the label or cannot be read.`,
  frocNone: 'The table of labels has no boxes, or the tool gives no places: nothing can be said of where.',
  calibration: (brier: string, plain: string, ece: string, range: string) =>
    `Brier score ${brier} (0 is perfect; always saying the share of the finding here would give ${plain}). Expected calibration error ${ece} (95 % interval ${range}): so far are score and frequency apart, on average.`,
  calibrationNote:
    'A dot on the line: among images with that score, so many have the finding. Above the line the tool says too little, below it too much. Open dots: fewer than 10 images.',
  calibrationNone: 'The scores do not lie between 0 and 1: they are no probabilities.',
  variants: {
    main: 'As reported above',
    withoutHardware: (column: string) => `Without implants (column “${column}”)`,
    withoutKnown: 'Without the images on which the maker chose thresholds',
    withTuning: 'With the images on which the maker chose thresholds',
    withKnown: 'With these and those that the tool was trained on',
  },
  variantsKnown: (training: string, tuning: string) =>
    `The package names the images that the tool was made with: ${training} of those here trained it, and on ${tuning} its thresholds or calibration were chosen. A tool does better on what it knows. An image that was encoded anew cannot be recognised.`,
  variantsUnknown:
    'The package does not say on which images the tool was trained. If some of them are among these, every figure here is too good.',
  subgroupsNote: 'Many groups are compared here; some differ by chance alone. At the standard threshold.',
  ungrouped: (names: string) => `Not grouped, nearly every image has a value of its own: ${names}.`,
  empty: '(empty)',
  comparison: {
    intro: (name: string, version: string, n: string) => `${name} ${version}, on the same ${n} images.`,
    areas: (a: string, b: string, difference: string, range: string, p: string) =>
      `Area under the curve ${a} against ${b}: difference ${difference} (95 % interval ${range}; DeLong, p ${p}).`,
    same: 'Both order the images alike: there is no difference to test.',
    head: [
      'Threshold',
      'Images',
      'Only the first is right',
      'Only the other is right',
      'p (mid-P)',
      'p (exact)',
    ],
    positives: 'with the finding',
    negatives: 'without',
    note: 'McNemar’s test. A large p does not mean that both are equal.',
    noPoints: 'The two models have no threshold of the same name.',
  },
  exclusionsNone: 'None: every row of the table is counted.',
  knownListed: 'Images that the tool knows are not named here, but in cases.csv.',
  exclusionsMore: (n: string) => `… and ${n} more, in cases.csv.`,
  filesWithoutLabel: (n: string) =>
    `${n} image file(s) of the folder stand in no row of the table and were not looked at.`,
  unknownUse: (n: string) =>
    `${n} image(s) are counted although their header does not say all that the intended use asks for (age or body part).`,
  photographs:
    'JPEG and PNG files have no such header: whether they fall under the intended use is for you to say.',
  time: (median: string, p95: string) =>
    `${median} s an image (median), ${p95} s for the slowest of 20, decoding included.`,
  timeKept: (kept: string) =>
    `${kept} score(s) were kept from an earlier run of the same weights on the same bytes.`,
  timeMachine: (machine: string, processes: string, wall: string) =>
    `${machine}; ${processes} process(es) of the model; ${wall} s in all.`,
  limits: [
    'That the tool is safe or effective on patients: that takes a certified device and a clinical study.',
    'Anything about other machines, protocols, ages or diseases than those of these images.',
    'That the finding is absent because the tool marks nothing.',
    'How physicians would read with the tool: here it was alone with the images.',
    'Anything about patients: images were counted, and several of one patient are not independent.',
    'More than the labels hold: where the reference is wrong, so are these figures.',
    'That a threshold is right which you choose after seeing these results: test it on other images.',
  ],
  methods: [
    'Intervals are 95 %. Proportions: Wilson (doi:10.1080/01621459.1927.10502953) and Clopper–Pearson (doi:10.1093/biomet/26.4.404).',
    'Area under the curve and comparison: DeLong (doi:10.2307/2531595; doi:10.1109/LSP.2014.2337313). Paired proportions: McNemar, exact and mid-P (doi:10.1186/1471-2288-13-91).',
    'Predictive values at other prevalences: logit intervals, the prevalence taken as known (doi:10.1002/sim.2677).',
    'Calibration: ten bins of equal width (doi:10.1609/aaai.v29i1.9602); interval by bootstrap (2,000 rounds, fixed seed).',
    'Flow diagram after STARD 2015 (doi:10.1136/bmj.h5527). result.json holds every figure unrounded, cases.csv every image.',
  ],
  plot: {
    falsePositiveRate: '1 − specificity',
    sensitivity: 'Sensitivity',
    meanScore: 'Mean score',
    observed: 'Share with the finding',
    falseMarks: 'False marks an image',
    lesions: 'Lesions found',
    rocAlt: 'ROC curve',
    reliabilityAlt: 'Reliability: observed frequency against score',
    frocAlt: 'FROC curve',
    flowAlt: 'Flow of images',
    forestAlt: 'Area under the curve by subgroup, with intervals',
    forestNote: 'Area under the curve with its interval; the dashed line is that of all images.',
  },
  flow: {
    rows: (n: number) => `Rows in the table of labels: ${n}`,
    found: 'Labelled images found:',
    eligible: 'Readable, once, within the intended use:',
    counted: 'Counted:',
    excluded: (n: number) => (n === 0 ? 'Excluded: 0' : `Excluded: ${n}`),
    marked: (n: number) => `marked by the tool: ${n}`,
    notMarked: (n: number) => `not marked: ${n}`,
    positive: (n: number) => `With the finding: ${n}`,
    negative: (n: number) => `Without the finding: ${n}`,
  },
  exclusion: {
    'label-missing': 'no label',
    'label-invalid': 'label neither 0 nor 1',
    'file-missing': 'file not found',
    'file-ambiguous': 'several files of that name',
    unreadable: 'cannot be read',
    'outside-intended-use': 'outside the intended use',
    duplicate: 'same image as another row',
    contradiction: 'same image, other label',
    'training-image': 'the tool was trained on it',
    'tuning-image': 'thresholds were chosen on it',
    'model-failed': 'the tool failed',
  } satisfies Record<Exclusion, string>,
  page: 'page',
};
type Catalogue = typeof EN;

const FR: Catalogue = {
  title: 'Étude de validation',
  colon: ' :',
  notDevice:
    'Logiciel de recherche, pas un dispositif médical certifié. Ces chiffres décrivent un outil sur ces images ; ils n’autorisent pas son emploi chez des patients.',
  short: 'En bref',
  measured: 'Ce qui a été mesuré',
  flowTitle: 'Le parcours des images',
  rocTitle: 'Le score sépare-t-il bien ? (courbe ROC)',
  pointsTitle: 'À chaque seuil',
  prevalenceTitle: 'Si l’anomalie était plus rare ou plus fréquente',
  frocTitle: 'Les emplacements sont-ils justes ? (FROC, par lésion)',
  calibrationTitle: 'Le score se lit-il comme une probabilité ?',
  variantsTitle: 'La même chose sur d’autres images',
  subgroupsTitle: 'Par sous-groupe',
  comparisonTitle: 'Comparaison avec un autre modèle',
  exclusionsTitle: 'Images non comptées',
  timeTitle: 'Temps de calcul',
  limitsTitle: 'Ce qu’on ne peut pas en conclure',
  methodsTitle: 'Méthodes',
  facts: {
    model: 'Outil',
    version: 'Version',
    maker: 'Auteur',
    regulatory: 'Statut réglementaire',
    weights: 'Poids (SHA-256)',
    intendedUse: 'Usage prévu',
    finding: 'Anomalie',
    labels: 'Table des étiquettes (SHA-256)',
    labelColumn: 'Colonne tenue pour vraie',
    cases: 'Images comptées',
    made: 'Rapport établi',
  },
  casesOf: (n, positives, negatives) => `${n} : ${positives} avec l’anomalie, ${negatives} sans`,
  sentence: (marked, wrong, point) =>
    `Au seuil « ${point} », l’outil signale ${marked} parmi celles avec l’anomalie et, à tort, ${wrong} parmi celles sans.`,
  ofHundred: (value, range) => `${value} images sur 100 (intervalle à 95 % ${range})`,
  ofCount: (k, n) => `${k} images sur ${n}`,
  ranking: (value, range) =>
    `De deux images, l’une avec l’anomalie et l’autre sans, l’outil donne le score le plus élevé à la bonne ${value} fois sur 100 (intervalle à 95 % ${range}) : c’est l’aire sous la courbe ROC.`,
  weightedTitle: 'Pondéré par la chance d’être tirée',
  weighted: (n, positives) =>
    `La table a une colonne « weight » : ses images ont été tirées avec des chances inégales, parmi environ ${n} images, dont environ ${positives} avec l’anomalie. Les chiffres de « En bref » et de ce tableau pondèrent chaque image et valent pour l’ensemble. Tout ce qui suit ne décrit que les images tirées, parmi lesquelles les signalements de l’outil sont trop fréquents ou trop rares.`,
  weightedIntervals: 'Intervalles : 2 000 tirages parmi les images de même poids.',
  few: (n) =>
    `Moins de ${MINIMUM_CASES} images d’un côté (${n}) : des effectifs remplacent les pourcentages, et les intervalles sont larges.`,
  fewMark: `† moins de ${MINIMUM_CASES} images avec ou sans l’anomalie : le hasard y pèse plus que l’outil.`,
  separate:
    'Les deux groupes d’images sont ici entièrement séparés : la formule ne donne pas d’intervalle. D’autres images ne le seraient pas.',
  auc: (value, range) => `Aire sous la courbe ${value} (intervalle à 95 % ${range}, DeLong).`,
  columns: {
    point: 'Seuil',
    sensitivity: 'Sensibilité',
    specificity: 'Spécificité',
    ppv: 'Valeur prédictive positive',
    npv: 'Valeur prédictive négative',
    counts: 'Signalées à raison / à tort ; non signalées à raison / manquées',
    prevalence: 'Prévalence',
    rate: 'Faux repères par image, au plus',
    reached: 'atteint',
    lesions: 'Lésions trouvées',
    images: 'Images (avec anomalie)',
    area: 'Aire sous la courbe',
    which: 'Images',
    group: 'Groupe',
    reason: 'Raison',
    number: 'Nombre',
    image: 'Image',
    detail: 'Détail',
    scores: 'Scores',
    mean: 'Score moyen',
    observed: 'Observé',
    exact: 'Intervalle exact (Clopper–Pearson)',
  },
  exactTitle: 'Intervalles exacts, pour qui les demande',
  ppvNote: (prevalence) =>
    `Les valeurs prédictives valent pour la part d’images avec l’anomalie parmi celles-ci (${prevalence}). Dans un cabinet elle est autre : voir la section suivante.`,
  prevalenceNote: (point) => `Au seuil « ${point} », d’après la sensibilité et la spécificité mesurées ici.`,
  frocNote: (images, lesions, overlap) =>
    `${images} images avec ${lesions} lésions délimitées. Un repère touche une lésion quand son centre est dans le cadre de celle-ci, ou que les deux cadres se recouvrent à plus de ${overlap} (intersection sur union) ; plusieurs repères sur une lésion comptent une fois ; un repère sur aucune lésion est un faux repère. Intervalles : 2 000 tirages d’images.`,
  frocLeft: (left) =>
    `${left} image(s) n’y figurent pas : avec l’anomalie mais sans cadre, ou avec des cadres qui contredisent l’étiquette ou sont illisibles.`,
  frocNone:
    'La table des étiquettes n’a pas de cadres, ou l’outil ne donne pas d’emplacement : rien ne peut être dit du lieu.',
  calibration: (brier, plain, ece, range) =>
    `Score de Brier ${brier} (0 est parfait ; annoncer toujours la part de l’anomalie donnerait ${plain}). Erreur de calibration attendue ${ece} (intervalle à 95 % ${range}) : l’écart moyen entre score et fréquence.`,
  calibrationNote:
    'Un point sur la ligne : parmi les images de ce score, autant ont l’anomalie. Au-dessus, l’outil en dit trop peu, au-dessous trop. Points vides : moins de 10 images.',
  calibrationNone: 'Les scores ne sont pas entre 0 et 1 : ce ne sont pas des probabilités.',
  variants: {
    main: 'Comme ci-dessus',
    withoutHardware: (column) => `Sans matériel (colonne « ${column} »)`,
    withoutKnown: 'Sans les images sur lesquelles l’auteur a choisi les seuils',
    withTuning: 'Avec les images sur lesquelles l’auteur a choisi les seuils',
    withKnown: 'Avec celles-ci et celles de l’entraînement',
  },
  variantsKnown: (training, tuning) =>
    `Le paquet nomme les images qui ont servi à faire l’outil : ${training} de celles d’ici l’ont entraîné, et sur ${tuning} ses seuils ou sa calibration ont été choisis. Un outil réussit mieux sur ce qu’il connaît. Une image ré-encodée ne peut pas être reconnue.`,
  variantsUnknown:
    'Le paquet ne dit pas sur quelles images l’outil a été entraîné. Si certaines sont parmi celles-ci, tous les chiffres sont trop bons.',
  subgroupsNote: 'Beaucoup de groupes sont comparés ; certains diffèrent par hasard. Au seuil habituel.',
  ungrouped: (names) => `Sans groupes, presque chaque image ayant sa propre valeur : ${names}.`,
  empty: '(vide)',
  comparison: {
    intro: (name, version, n) => `${name} ${version}, sur les mêmes ${n} images.`,
    areas: (a, b, difference, range, p) =>
      `Aire sous la courbe ${a} contre ${b} : différence ${difference} (intervalle à 95 % ${range} ; DeLong, p ${p}).`,
    same: 'Les deux ordonnent les images de même : il n’y a pas de différence à tester.',
    head: ['Seuil', 'Images', 'Seul le premier a raison', 'Seul l’autre a raison', 'p (mid-P)', 'p (exact)'],
    positives: 'avec l’anomalie',
    negatives: 'sans',
    note: 'Test de McNemar. Un grand p ne veut pas dire que les deux se valent.',
    noPoints: 'Les deux modèles n’ont pas de seuil de même nom.',
  },
  exclusionsNone: 'Aucune : chaque ligne de la table est comptée.',
  knownListed: 'Les images que l’outil connaît ne sont pas nommées ici, mais dans cases.csv.',
  exclusionsMore: (n) => `… et ${n} de plus, dans cases.csv.`,
  filesWithoutLabel: (n) =>
    `${n} fichier(s) d’image du dossier ne figurent dans aucune ligne de la table et n’ont pas été regardés.`,
  unknownUse: (n) =>
    `${n} image(s) sont comptées bien que leur en-tête ne dise pas tout ce que demande l’usage prévu (âge ou région).`,
  photographs:
    'Les fichiers JPEG et PNG n’ont pas cet en-tête : à vous de dire s’ils relèvent de l’usage prévu.',
  time: (median, p95) =>
    `${median} s par image (médiane), ${p95} s pour la plus lente de 20, décodage compris.`,
  timeKept: (kept) => `${kept} score(s) viennent d’un calcul antérieur, mêmes poids et mêmes octets.`,
  timeMachine: (machine, processes, wall) =>
    `${machine} ; ${processes} processus du modèle ; ${wall} s en tout.`,
  limits: [
    'Que l’outil soit sûr ou efficace chez des patients : il y faut un dispositif certifié et une étude clinique.',
    'Quoi que ce soit sur d’autres appareils, protocoles, âges ou maladies que ceux de ces images.',
    'Que l’anomalie soit absente parce que l’outil ne signale rien.',
    'Comment des médecins liraient avec l’outil : ici il était seul devant les images.',
    'Quoi que ce soit sur des patients : des images ont été comptées, et plusieurs d’un même patient ne sont pas indépendantes.',
    'Plus que ne disent les étiquettes : là où la référence se trompe, ces chiffres aussi.',
    'Qu’un seuil choisi après avoir vu ces résultats soit le bon : essayez-le sur d’autres images.',
  ],
  methods: [
    'Intervalles à 95 %. Proportions : Wilson (doi:10.1080/01621459.1927.10502953) et Clopper–Pearson (doi:10.1093/biomet/26.4.404).',
    'Aire sous la courbe et comparaison : DeLong (doi:10.2307/2531595 ; doi:10.1109/LSP.2014.2337313). Proportions appariées : McNemar, exact et mid-P (doi:10.1186/1471-2288-13-91).',
    'Valeurs prédictives à d’autres prévalences : intervalles logit, la prévalence tenue pour connue (doi:10.1002/sim.2677).',
    'Calibration : dix classes de même largeur (doi:10.1609/aaai.v29i1.9602) ; intervalle par bootstrap (2 000 tirages, graine fixe).',
    'Diagramme de flux d’après STARD 2015 (doi:10.1136/bmj.h5527). result.json contient chaque chiffre sans arrondi, cases.csv chaque image.',
  ],
  plot: {
    falsePositiveRate: '1 − spécificité',
    sensitivity: 'Sensibilité',
    meanScore: 'Score moyen',
    observed: 'Part avec l’anomalie',
    falseMarks: 'Faux repères par image',
    lesions: 'Lésions trouvées',
    rocAlt: 'Courbe ROC',
    reliabilityAlt: 'Fiabilité : fréquence observée selon le score',
    frocAlt: 'Courbe FROC',
    flowAlt: 'Parcours des images',
    forestAlt: 'Aire sous la courbe par sous-groupe, avec intervalles',
    forestNote: 'Aire sous la courbe et son intervalle ; la ligne pointillée est celle de toutes les images.',
  },
  flow: {
    rows: (n) => `Lignes de la table : ${n}`,
    found: 'Images étiquetées trouvées :',
    eligible: 'Lisibles, uniques, dans l’usage prévu :',
    counted: 'Comptées :',
    excluded: (n) => `Exclues : ${n}`,
    marked: (n) => `signalées par l’outil : ${n}`,
    notMarked: (n) => `non signalées : ${n}`,
    positive: (n) => `Avec l’anomalie : ${n}`,
    negative: (n) => `Sans l’anomalie : ${n}`,
  },
  exclusion: {
    'label-missing': 'sans étiquette',
    'label-invalid': 'étiquette ni 0 ni 1',
    'file-missing': 'fichier introuvable',
    'file-ambiguous': 'plusieurs fichiers de ce nom',
    unreadable: 'illisible',
    'outside-intended-use': 'hors de l’usage prévu',
    duplicate: 'même image qu’une autre ligne',
    contradiction: 'même image, autre étiquette',
    'training-image': 'l’outil y a été entraîné',
    'tuning-image': 'les seuils y ont été choisis',
    'model-failed': 'l’outil a échoué',
  },
  page: 'page',
};

export interface Words extends Catalogue {
  readonly language: Language;
  number(value: number, digits?: number): string;
  percent(part: number, digits?: number): string;
  /** `low–high` with the sign of percent once. */
  percentRange(range: Pair | null, digits?: number): string;
  range(range: Pair | null, digits: number): string;
  text(text: Text): string;
  /** Of an operating point, as the manifest has it. */
  pointName(name: string): string;
}

/** French has a no-break space before : ; ? ! » % and after « . */
const spaced = (text: string): string =>
  text
    .replace(/ ([:;?!»])/g, `${NBSP}$1`)
    .replace(/« /g, `«${NBSP}`)
    .replace(/ %/g, `${NBSP}%`);

function spacedAll<T>(value: T): T {
  if (typeof value === 'string') return spaced(value) as T;
  if (typeof value === 'function')
    return ((...given: unknown[]) => spaced((value as (...given: unknown[]) => string)(...given))) as T;
  if (Array.isArray(value)) return value.map(spacedAll) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, spacedAll(each)])) as T;
  return value;
}

export function wordsOf(
  language: Language,
  points: Readonly<Record<string, { readonly text: Text }>>,
): Words {
  const catalogue = language === 'fr' ? spacedAll(FR) : EN;
  const number = (value: number, digits = 0): string =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .format(value)
      .replaceAll('\u202f', NBSP);
  const percent = (part: number, digits = 0): string => `${number(100 * part, digits)}${NBSP}%`;
  return {
    ...catalogue,
    language,
    number,
    percent,
    percentRange: (range, digits = 0) =>
      range === null ? '–' : `${number(100 * range[0], digits)}–${number(100 * range[1], digits)}${NBSP}%`,
    range: (range, digits) =>
      range === null ? '–' : `${number(range[0], digits)}–${number(range[1], digits)}`,
    text: (text) => text[language],
    pointName: (name) => points[name]?.text[language] ?? name,
  };
}
