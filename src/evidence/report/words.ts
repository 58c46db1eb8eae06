/** The words of the monthly report, French and English. */
import type { Language } from '../../people/types.ts';

const S = '\u00a0';
const locale = (language: Language): string => (language === 'fr' ? 'fr-FR' : 'en-GB');

export const percent = (value: number, language: Language, digits = 0): string =>
  new Intl.NumberFormat(locale(language), { style: 'percent', maximumFractionDigits: digits }).format(value);
export const number = (value: number, language: Language, digits = 0): string =>
  new Intl.NumberFormat(locale(language), { maximumFractionDigits: digits }).format(value);
export const date = (at: number, language: Language, timeZone: string): string =>
  new Intl.DateTimeFormat(locale(language), { dateStyle: 'long', timeZone }).format(at);
export const monthName = (from: number, language: Language, timeZone: string): string =>
  new Intl.DateTimeFormat(locale(language), { month: 'long', year: 'numeric', timeZone }).format(from);
/** "42 s", "4 min 05", "1 h 05", "3 d". */
export function time(ms: number, language: Language): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}${S}s`;
  if (seconds < 600) return `${Math.floor(seconds / 60)}${S}min${S}${two(seconds % 60)}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${S}min`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3600)}${S}h${S}${two(Math.floor((seconds % 3600) / 60))}`;
  return `${Math.floor(seconds / 86_400)}${S}${language === 'fr' ? 'j' : 'd'}`;
}

const fr = {
  title: 'Rapport mensuel des preuves',
  notice: `Negatoscope n’est pas un dispositif médical certifié. Ce rapport décrit ce qui a été observé ici${S}; il n’atteste d’aucune conformité.`,
  overview: 'Tous les outils en bref',
  none: 'Aucun outil installé.',
  head: [
    'Outil',
    'Stade',
    'Sensibilité',
    'Spécificité',
    'Fausses alarmes',
    'Dérive',
    'Délai de rendu',
    'À décider',
  ],
  stage: {
    evaluation: 'évaluation',
    shadow: 'observation',
    pilot: 'pilote',
    routine: 'routine',
    suspended: 'suspendu',
    retired: 'retiré',
  } as Record<string, string>,
  drift: { few: 'trop peu de cas', steady: 'stable', alarm: 'a changé' },
  next: {
    'answer-alarm': 'répondre à l’alerte',
    suspended: 'lever ou retirer',
    retired: '–',
    'decide-pass': 'objectif atteint',
    'decide-fail': 'objectif manqué',
    collect: 'recueillir des cas',
    register: 'enregistrer un protocole',
    label: 'recueillir des conclusions sans l’IA',
    review: 'décider du stade',
  },
  per100: (value: string) => `${value} pour 100`,
  few: (k: number, n: number) => `${k} sur ${n}${S}: trop peu`,
  to: 'à',
  month: 'Ce mois-ci',
  ever: 'Depuis le début',
  accuracy: 'Exactitude de l’outil seul, intervalle à 95 %',
  sensitivity: 'Sensibilité',
  specificity: 'Spécificité',
  target: (value: string) => `objectif ${value}`,
  accuracyText:
    'Référence : la conclusion donnée avant que l’IA ne soit vue. « Incertain » compte comme oui ; compté comme non : '
      .replaceAll(' :', `${S}:`)
      .replaceAll(' ;', `${S};`)
      .replace('« ', `«${S}`)
      .replace(' »', `${S}»`),
  load: 'Charge',
  loadText: (marks: number, alarms: number, studies: number) =>
    `${marks} marques dont ${alarms} fausses alarmes sur ${studies} examens.`,
  perHour: (marks: string, rejected: string) =>
    `Par heure de lecture${S}: ${marks} marques, ${rejected} rejetées.`,
  rejecting: (ms: string, n: number) => `Rejeter une marque prend ${ms} (médiane de ${n}).`,
  times: 'Délais du mois',
  timesHead: ['Étape', 'Médiane', 'Intervalle à 95 %', 'Moitié entre', 'Examens'],
  stretch: {
    'acquired-arrived': 'Acquisition → arrivée',
    'arrived-ready': 'Arrivée → IA prête',
    'arrived-opened': 'Arrivée → ouverture',
    'opened-signed': 'Ouverture → signature',
    'signed-delivered': 'Signature → compte rendu déposé',
    'arrived-signed': 'Arrivée → signature, en tout',
  },
  shorter: (a: string, b: string) =>
    `Avec l’IA sous les yeux, le délai est de ${a} à ${b} plus court, à heure, jour, modalité et urgence égaux (van Elteren).`,
  longer: (a: string, b: string) =>
    `Avec l’IA sous les yeux, le délai est de ${a} à ${b} plus long, à heure, jour, modalité et urgence égaux (van Elteren).`,
  same: 'Avec ou sans l’IA sous les yeux, pas de différence de délai établie (van Elteren).',
  incomparable: 'Le délai avec et sans l’IA n’est pas comparable ce mois-ci.',
  waits: 'Les examens sans marque attendent plus longtemps que ceux avec marque.',
  list: 'La liste de travail suit l’urgence et l’arrivée ; l’IA n’en change pas l’ordre.'.replace(
    ' ;',
    `${S};`,
  ),
  driftTitle: 'Dérive',
  driftText: (name: string, n: number, failures: number) => `${name}${S}: ${failures} sur ${n} cas.`,
  alarm: (from: string, at: string) => `Alerte le ${at}, montée depuis le ${from}.`,
  missed: 'Non marqués à tort',
  falseMarks: 'Marqués à tort',
  limits: 'Limites',
  limitList: [
    'Un pourcentage n’est donné qu’à partir de 30 cas ; en dessous, seulement des comptes.',
    'L’exactitude repose sur les lecteurs d’ici : une référence plus sûre peut la changer.',
    'Les images d’entraînement de l’outil ne comptent pas.',
    'Les délais excluent les examens relus ; une acquisition après l’arrivée ou plus de deux jours avant est écartée.',
    'Une différence de délai entre périodes peut venir d’autre chose que de l’IA.',
  ].map((text) => text.replaceAll(' ;', `${S};`).replaceAll(' :', `${S}:`)),
  made: (when: string, zone: string) => `Établi le ${when}, heure de ${zone}.`,
  page: 'page',
  read: (month: number, ever: number) => `${month} examens lus ce mois-ci, ${ever} en tout.`,
};
const en: typeof fr = {
  title: 'Monthly evidence report',
  notice:
    'Negatoscope is not a certified medical device. This report describes what was observed here; it attests no conformity.',
  overview: 'All tools at a glance',
  none: 'No tool is installed.',
  head: ['Tool', 'Stage', 'Sensitivity', 'Specificity', 'False alarms', 'Drift', 'Turnaround', 'To decide'],
  stage: {
    evaluation: 'evaluation',
    shadow: 'shadow',
    pilot: 'pilot',
    routine: 'routine',
    suspended: 'suspended',
    retired: 'retired',
  },
  drift: { few: 'too few cases', steady: 'steady', alarm: 'changed' },
  next: {
    'answer-alarm': 'answer the alarm',
    suspended: 'resume or retire',
    retired: '–',
    'decide-pass': 'target met',
    'decide-fail': 'target missed',
    collect: 'collect cases',
    register: 'register a protocol',
    label: 'collect conclusions without AI',
    review: 'decide on the stage',
  },
  per100: (value) => `${value} per 100`,
  few: (k, n) => `${k} of ${n}: too few`,
  to: 'to',
  month: 'This month',
  ever: 'Since the beginning',
  accuracy: 'Accuracy of the tool alone, 95% interval',
  sensitivity: 'Sensitivity',
  specificity: 'Specificity',
  target: (value) => `target ${value}`,
  accuracyText:
    'Reference: the conclusion given before AI was seen. “Uncertain” counts as yes; counted as no: ',
  load: 'Load',
  loadText: (marks, alarms, studies) =>
    `${marks} marks, ${alarms} of them false alarms, in ${studies} exams.`,
  perHour: (marks, rejected) => `Per reader hour: ${marks} marks, ${rejected} rejected.`,
  rejecting: (ms, n) => `Rejecting a mark takes ${ms} (median of ${n}).`,
  times: 'Times of the month',
  timesHead: ['Stretch', 'Median', '95% interval', 'Half between', 'Exams'],
  stretch: {
    'acquired-arrived': 'Acquisition → arrival',
    'arrived-ready': 'Arrival → AI ready',
    'arrived-opened': 'Arrival → opened',
    'opened-signed': 'Opened → signed',
    'signed-delivered': 'Signed → report stored',
    'arrived-signed': 'Arrival → signed, in all',
  },
  shorter: (a, b) =>
    `With AI in view turnaround is ${a} to ${b} shorter, for the same hour, day, modality and priority (van Elteren).`,
  longer: (a, b) =>
    `With AI in view turnaround is ${a} to ${b} longer, for the same hour, day, modality and priority (van Elteren).`,
  same: 'With or without AI in view no difference of turnaround is shown (van Elteren).',
  incomparable: 'Turnaround with and without AI cannot be compared this month.',
  waits: 'Exams without marks wait longer than those with marks.',
  list: 'The worklist follows urgency and arrival; AI does not change its order.',
  driftTitle: 'Drift',
  driftText: (name, n, failures) => `${name}: ${failures} of ${n} cases.`,
  alarm: (from, at) => `Alarm on ${at}, rising since ${from}.`,
  missed: 'Wrongly not marked',
  falseMarks: 'Wrongly marked',
  limits: 'Limits',
  limitList: [
    'A percentage is given from 30 cases on; below, counts alone.',
    'Accuracy rests on the readers here: a stronger reference may change it.',
    'The tool’s training images do not count.',
    'Times leave out exams that were read again; an acquisition after the arrival, or more than two days before, is left out.',
    'A difference of times between periods may come from something other than AI.',
  ],
  made: (when, zone) => `Made on ${when}, ${zone} time.`,
  page: 'page',
  read: (month, ever) => `${month} exams read this month, ${ever} in all.`,
};
export const WORDS = { fr, en };
export type Words = typeof fr;
