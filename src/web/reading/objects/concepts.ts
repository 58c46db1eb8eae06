/** Names of common concepts of structured reports in French; everything else keeps the meaning that the report gives. */
import type { Code } from './sr.ts';

/** DCM codes of PS3.16, as used by TID 1500, 2000, 5200, 10001 and the like. */
const FRENCH: Readonly<Record<string, string>> = {
  '111001': 'Nom de l’algorithme',
  '111003': 'Version de l’algorithme',
  '111030': 'Région de l’image',
  '111040': 'Image d’origine de la région',
  '112002': 'Numéro de série d’images',
  '112039': 'Identifiant de suivi',
  '112040': 'Identifiant unique de suivi',
  '113012': 'Description des objets clés',
  '113701': 'Compte rendu de dose de rayons X',
  '113704': 'Radiographie de projection',
  '113705': 'Portée',
  '113722': 'Produit dose·surface total',
  '113764': 'Plan d’acquisition',
  '113769': 'UID de l’irradiation',
  '113812': 'Produit dose·longueur total du scanner',
  '113813': 'Total des PDL',
  '113819': 'Acquisition de scanner',
  '113829': 'Dose du scanner',
  '113830': 'IDSV moyen',
  '113838': 'PDL',
  '113854': 'Source de l’information de dose',
  '121005': 'Type d’observateur',
  '121006': 'Personne',
  '121007': 'Appareil',
  '121008': 'Observateur',
  '121009': 'Organisation de l’observateur',
  '121012': 'UID de l’appareil observateur',
  '121013': 'Appareil observateur',
  '121014': 'Fabricant de l’appareil',
  '121015': 'Modèle de l’appareil',
  '121016': 'Numéro de série de l’appareil',
  '121049': 'Langue du contenu',
  '121046': 'Pays de la langue',
  '121055': 'Tracé',
  '121058': 'Examen rapporté',
  '121060': 'Antécédents',
  '121062': 'Demande',
  '121064': 'Description de l’examen',
  '121070': 'Résultats',
  '121071': 'Constatation',
  '121072': 'Impressions',
  '121073': 'Impression',
  '121074': 'Recommandations',
  '121076': 'Conclusions',
  '121077': 'Conclusion',
  '121078': 'Addendum',
  '121106': 'Commentaire',
  '121109': 'Indications',
  '121110': 'Présentation du patient',
  '121111': 'Résumé',
  '121191': 'Segment référencé',
  '121206': 'Distance',
  '121207': 'Hauteur',
  '121214': 'Segmentation référencée',
  '121233': 'Série d’origine de la segmentation',
  '121322': 'Image d’origine du traitement',
  '122145': 'Code de l’étape',
  '125007': 'Groupe de mesures',
  '126000': 'Compte rendu de mesures',
  '126010': 'Mesures sur les images',
  '126100': 'Fonction de valeurs réelles',
  '126200': 'Type d’image',
  '126201': 'Date d’acquisition',
  '126202': 'Heure d’acquisition',
  '113000': 'D’intérêt',
  '113001': 'Rejetée pour la qualité',
  '113002': 'Pour le médecin demandeur',
  '113003': 'Pour la chirurgie',
  '113004': 'Pour l’enseignement',
  '113005': 'Pour une conférence',
  '113006': 'Pour le traitement',
  '113007': 'Pour le patient',
  '113010': 'Problème de qualité',
  '113018': 'Pour le compte rendu',
  '113020': 'Pour le compte rendu',
  '113030': 'Manifeste',
};

/** SNOMED and retired SRT codes that reports of all kinds use. */
const FRENCH_SNOMED: Readonly<Record<string, string>> = {
  'G-C0E3': 'Site',
  '363698007': 'Site',
  'G-C171': 'Latéralité',
  '272741003': 'Latéralité',
  'G-D705': 'Volume',
  '118565006': 'Volume',
  'G-A166': 'Surface',
  '42798000': 'Surface',
  'G-D7FE': 'Longueur',
  '410668003': 'Longueur',
  'G-A185': 'Grand axe',
  '103339001': 'Grand axe',
  'G-A186': 'Petit axe',
  '103340004': 'Petit axe',
  'R-00317': 'Moyenne',
  '373098007': 'Moyenne',
  'R-404FB': 'Minimum',
  '255605001': 'Minimum',
  'G-A437': 'Maximum',
  '56851009': 'Maximum',
  'R-10047': 'Écart type',
  '386136009': 'Écart type',
  'G-A100': 'Droite',
  '24028007': 'Droite',
  'G-A101': 'Gauche',
  '7771000': 'Gauche',
};

export function conceptName(code: Code, language: string): string {
  const known =
    language === 'fr'
      ? code.scheme === 'DCM'
        ? FRENCH[code.value]
        : /^(SCT|SRT|SNM3)$/.test(code.scheme)
          ? FRENCH_SNOMED[code.value]
          : undefined
      : undefined;
  return known || code.meaning || code.value;
}

/** Relationship Type (PS3.3 C.17.3.2.4); the plain ones need no word. */
const RELATIONS: Readonly<Record<string, Readonly<Record<'fr' | 'en', string>>>> = {
  'INFERRED FROM': { fr: 'd’après', en: 'inferred from' },
  'SELECTED FROM': { fr: 'choisi sur', en: 'selected from' },
  'HAS ACQ CONTEXT': { fr: 'acquisition\u00a0:', en: 'acquisition:' },
};
export const relationName = (relationship: string, language: string): string =>
  RELATIONS[relationship]?.[language === 'fr' ? 'fr' : 'en'] ?? '';
