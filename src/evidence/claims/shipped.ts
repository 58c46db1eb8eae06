/**
 * Published studies of fracture AI, as far as their abstracts or reports of them give it. Nothing here is guessed: what was not
 * found is empty. Read in November 2026.
 */
import type { ClaimCard, ClaimFigure, ClaimForm } from './types.ts';

const none = { fr: '', en: '' };
const figure = (
  measure: ClaimFigure['measure'],
  arm: ClaimFigure['arm'],
  unit: ClaimFigure['unit'],
  value: number,
  more: Partial<ClaimFigure> = {},
): ClaimFigure => ({ measure, arm, unit, value, low: null, high: null, k: null, n: null, ...more });

const fracture: Pick<ClaimForm, 'condition' | 'conditionText'> = {
  condition: 'fracture',
  conditionText: { fr: 'Fracture', en: 'Fracture' },
};
const unknown: Omit<ClaimForm, 'title' | 'figures' | 'condition' | 'conditionText'> = {
  product: '',
  productVersion: '',
  citation: '',
  doi: '',
  design: none,
  n: null,
  readers: null,
  population: none,
  reference: 'unknown',
  referenceText: none,
  level: '',
  funding: 'unknown',
  fundingText: none,
  secondHand: false,
  note: none,
};

const munich: Omit<ClaimForm, 'figures' | 'product' | 'note'> = {
  ...unknown,
  ...fracture,
  title: 'Three AI models for fracture detection compared on radiographs of 1,037 adults',
  citation: 'Luiken I. et al., Radiography 2025',
  design: { fr: 'Prospective, un centre, outil seul', en: 'Prospective, one centre, stand-alone' },
  n: 1037,
  population: {
    fr: 'Adultes, 22 régions anatomiques ; fracture chez 29,6 %, aiguë chez 13,7 %',
    en: 'Adults, 22 anatomical regions; fractures in 29.6%, acute in 13.7%',
  },
  reference: 'report-or-ct',
  referenceText: { fr: 'Comptes rendus vérifiés, ou scanner', en: 'Verified reports, or CT' },
  funding: 'independent',
  fundingText: { fr: 'TUM, Munich', en: 'TUM, Munich' },
};
const throughNews = {
  fr: 'Lu dans le compte rendu d’AuntMinnie ; intervalles et DOI non trouvés.',
  en: 'Read in AuntMinnie’s report of it; intervals and DOI not found.',
};
const turku: Omit<ClaimForm, 'figures' | 'product'> = {
  ...unknown,
  condition: 'fracture-or-dislocation',
  conditionText: { fr: 'Fracture ou luxation', en: 'Fracture or dislocation' },
  title:
    'Comparative accuracy of two commercial AI algorithms for musculoskeletal trauma detection in emergency radiographs',
  citation: 'Huhtanen J. T. et al., Emergency Radiology 2025',
  doi: '10.1007/s10140-025-02353-2',
  design: { fr: 'Outil seul, comparaison de deux algorithmes', en: 'Stand-alone, two algorithms compared' },
  n: 998,
  population: {
    fr: '998 radiographies d’urgence : 413 anormales, 585 normales',
    en: '998 emergency radiographs: 413 abnormal, 585 normal',
  },
  reference: 'expert-consensus',
  referenceText: { fr: 'Consensus de deux spécialistes', en: 'Consensus of two specialists' },
};

const CARDS: Readonly<Record<string, ClaimForm>> = {
  'guermazi-2022': {
    ...unknown,
    ...fracture,
    product: 'BoneView',
    title:
      'Improving Radiographic Fracture Recognition Performance and Efficiency Using Artificial Intelligence',
    citation: 'Guermazi A. et al., Radiology 2022;302:627',
    doi: '10.1148/radiol.210937',
    design: {
      fr: 'Rétrospective, multilecteurs multicas, sevrage d’un mois',
      en: 'Retrospective, multi-reader multi-case, washout of a month',
    },
    n: 480,
    readers: 24,
    population: {
      fr: '480 patients de plusieurs centres, la moitié avec fracture',
      en: '480 patients of several centres, half of them with a fracture',
    },
    reference: 'expert-consensus',
    referenceText: {
      fr: 'Deux radiologues ostéo-articulaires, un troisième en cas de désaccord',
      en: 'Two musculoskeletal radiologists, a third where they differ',
    },
    note: {
      fr: 'Des lecteurs aidés de l’IA : ce n’est pas l’exactitude de l’outil seul. Différences publiées : sensibilité +10,4 points (6,9 à 13,9), spécificité +5,0 points (2,0 à 8,0).',
      en: 'Readers helped by AI: not the accuracy of the tool alone. Published differences: sensitivity +10.4 points (6.9 to 13.9), specificity +5.0 points (2.0 to 8.0).',
    },
    figures: [
      figure('sensitivity', 'reader', 'reading', 0.648, { k: 3732, n: 5760 }),
      figure('sensitivity', 'reader-with-ai', 'reading', 0.752, { k: 4331, n: 5760 }),
      figure('specificity', 'reader', 'reading', 0.906, { k: 5217, n: 5760 }),
      figure('specificity', 'reader-with-ai', 'reading', 0.956, { k: 5504, n: 5760 }),
    ],
  },
  'hundred-centres': {
    ...unknown,
    ...fracture,
    title: 'A study of 100 centres, linked to a maker',
    design: { fr: '100 centres', en: '100 centres' },
    funding: 'maker',
    fundingText: { fr: 'liée à un fabricant', en: 'linked to a maker' },
    secondHand: true,
    note: {
      fr: 'Cité de seconde main : la publication n’a pas été trouvée. Produit, effectifs et intervalles manquent.',
      en: 'Cited second-hand: the publication was not found. Product, counts and intervals are missing.',
    },
    figures: [figure('sensitivity', 'ai', 'exam', 0.974)],
  },
  'luiken-2025-rayvolve': {
    ...munich,
    product: 'Rayvolve',
    note: throughNews,
    figures: [figure('sensitivity', 'ai', 'patient', 0.795), figure('auc', 'ai', 'patient', 0.849)],
  },
  'luiken-2025-boneview': {
    ...munich,
    product: 'BoneView',
    note: throughNews,
    figures: [figure('auc', 'ai', 'patient', 0.84)],
  },
  'luiken-2025-rbfracture': {
    ...munich,
    product: 'RBfracture',
    note: throughNews,
    figures: [figure('specificity', 'ai', 'patient', 0.936), figure('auc', 'ai', 'patient', 0.772)],
  },
  'huhtanen-2025-boneview': {
    ...turku,
    product: 'BoneView',
    figures: [
      figure('sensitivity', 'ai', 'image', 0.893, { low: 0.86, high: 0.92, n: 413 }),
      figure('specificity', 'ai', 'image', 0.885, { low: 0.857, high: 0.909, n: 585 }),
    ],
  },
  'huhtanen-2025-rbfracture': {
    ...turku,
    product: 'RBfracture',
    figures: [
      figure('sensitivity', 'ai', 'image', 0.872, { low: 0.836, high: 0.901, n: 413 }),
      figure('specificity', 'ai', 'image', 0.892, { low: 0.865, high: 0.915, n: 585 }),
    ],
  },
  'survey-2025': {
    ...unknown,
    ...fracture,
    title: 'A “2024 multicentre study”, as a 2025 survey of physicians on advanced imaging cites it',
    secondHand: true,
    note: {
      fr: 'Cité de seconde main, source introuvable : délai de rendu −82 % et sensibilité 96,9 %, « à condition que l’outil soit intégré et supervisé ».',
      en: 'Cited second-hand, source not found: turnaround −82% and sensitivity 96.9%, “provided the tool was integrated and supervised”.',
    },
    figures: [
      figure('sensitivity', 'reader-with-ai', 'exam', 0.969),
      figure('turnaround-change', 'workflow', 'exam', -0.82),
    ],
  },
};

export const SHIPPED: readonly ClaimCard[] = Object.entries(CARDS).map(([id, form]) => ({
  ...form,
  id,
  version: 0,
  removed: false,
  personName: null,
  at: null,
}));
