import type { Region, RegionTexts } from './regions.ts';

export const fr: Record<Region, RegionTexts> = {
  hand: {
    name: 'Main et doigts',
    findings: [
      'Pas de trait de fracture visible sur les phalanges, les métacarpiens et la partie explorée du carpe.',
      'Interlignes métacarpo-phalangiens et interphalangiens respectés, sans luxation ni subluxation.',
      'Pas d’arrachement osseux visible au contact des articulations.',
      'Minéralisation osseuse satisfaisante pour l’âge.',
      'Parties molles sans tuméfaction notable ni corps étranger radio-opaque.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés de la main.',
    headings: ['Phalanges et métacarpiens', 'Carpe', 'Interlignes articulaires', 'Parties molles'],
  },
  wrist: {
    name: 'Poignet',
    findings: [
      'Pas de trait de fracture visible sur l’extrémité distale du radius et de l’ulna ; corticales continues.',
      'Os du carpe d’aspect normal, en particulier le scaphoïde ; arcs de Gilula harmonieux.',
      'Rapports radio-carpiens et radio-ulnaires distaux conservés ; pas d’élargissement de l’interligne scapho-lunaire.',
      'Inclinaison palmaire et index radio-ulnaire distal sans anomalie.',
      'Parties molles sans particularité.',
    ],
    conclusion:
      'Pas de lésion osseuse traumatique visible sur ces clichés du poignet. En cas de douleur élective de la tabatière anatomique, un contrôle clinique et une imagerie complémentaire sont à discuter.',
    headings: [
      'Radius et ulna distaux',
      'Scaphoïde et autres os du carpe',
      'Alignement et interlignes',
      'Parties molles',
    ],
  },
  forearm: {
    name: 'Avant-bras',
    findings: [
      'Pas de trait de fracture visible sur les diaphyses du radius et de l’ulna ; corticales continues, axes conservés.',
      'Rapports articulaires visibles au coude et au poignet conservés, sans luxation radio-ulnaire.',
      'Pas d’apposition périostée ni de lésion osseuse focale.',
      'Parties molles sans particularité.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés de l’avant-bras.',
    headings: ['Radius', 'Ulna', 'Articulations sus- et sous-jacentes', 'Parties molles'],
  },
  elbow: {
    name: 'Coude',
    findings: [
      'Pas de trait de fracture visible sur la palette humérale, l’olécrâne, le processus coronoïde et la tête radiale.',
      'Axe radio-capitellaire et ligne humérale antérieure respectés ; pas de luxation.',
      'Pas de refoulement des liserés graisseux antérieur ou postérieur : pas d’épanchement articulaire visible.',
      'Pas de corps étranger intra-articulaire radio-opaque.',
      'Parties molles sans particularité.',
    ],
    conclusion:
      'Pas de lésion osseuse traumatique ni d’épanchement articulaire visible sur ces clichés du coude.',
    headings: [
      'Humérus distal',
      'Ulna proximale et tête radiale',
      'Alignement',
      'Liserés graisseux, épanchement',
      'Parties molles',
    ],
  },
  shoulder: {
    name: 'Épaule et bras',
    findings: [
      'Pas de trait de fracture visible sur l’humérus proximal, la glène, la scapula explorée et la clavicule.',
      'Tête humérale centrée en regard de la glène, sans luxation.',
      'Articulation acromio-claviculaire congruente ; espace sous-acromial conservé.',
      'Pas de calcification visible en projection des tendons de la coiffe.',
      'Gril costal et parenchyme pulmonaire visibles sur les clichés sans anomalie notable.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique ni de luxation visible sur ces clichés de l’épaule.',
    headings: [
      'Humérus proximal',
      'Scapula et glène',
      'Clavicule et articulation acromio-claviculaire',
      'Rapports gléno-huméraux',
      'Parties molles, calcifications',
    ],
  },
  hip: {
    name: 'Hanche et bassin',
    findings: [
      'Pas de trait de fracture visible sur l’extrémité proximale du fémur : tête, col et massif trochantérien.',
      'Cotyle, branches ilio- et ischio-pubiennes explorées sans solution de continuité visible.',
      'Cintre cervico-obturateur régulier ; tête fémorale congruente.',
      'Interligne coxo-fémoral conservé.',
      'Trame osseuse satisfaisante pour l’âge ; parties molles sans particularité.',
    ],
    conclusion:
      'Pas de fracture visible sur ces clichés de la hanche. En cas d’impotence fonctionnelle persistante, une fracture occulte n’est pas exclue par la radiographie seule : scanner ou IRM à discuter.',
    headings: [
      'Fémur proximal',
      'Cotyle et cadre obturateur',
      'Articulation coxo-fémorale',
      'Sacro-iliaques et symphyse',
      'Parties molles',
    ],
  },
  femur: {
    name: 'Fémur',
    findings: [
      'Pas de trait de fracture visible sur la diaphyse et les métaphyses fémorales ; corticales continues, axe conservé.',
      'Pas d’épaississement cortical localisé ni d’apposition périostée.',
      'Pas de lésion osseuse focale.',
      'Rapports articulaires visibles à la hanche et au genou conservés.',
      'Parties molles sans particularité.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés du fémur.',
    headings: ['Fémur proximal', 'Diaphyse', 'Fémur distal', 'Parties molles'],
  },
  knee: {
    name: 'Genou',
    findings: [
      'Pas de trait de fracture visible sur le fémur distal, les plateaux tibiaux, la tête fibulaire et la patella.',
      'Interlignes fémoro-tibiaux et fémoro-patellaire conservés ; patella en place.',
      'Pas d’épanchement visible dans le récessus supra-patellaire, pas de niveau graisse-liquide.',
      'Pas d’arrachement osseux visible des insertions ligamentaires ou capsulaires.',
      'Parties molles sans particularité.',
    ],
    conclusion:
      'Pas de lésion osseuse traumatique ni d’épanchement articulaire visible sur ces clichés du genou.',
    headings: [
      'Fémur distal',
      'Plateaux tibiaux et tête fibulaire',
      'Patella',
      'Interlignes',
      'Épanchement, parties molles',
    ],
  },
  leg: {
    name: 'Jambe',
    findings: [
      'Pas de trait de fracture visible sur les diaphyses du tibia et de la fibula ; corticales continues, axes conservés.',
      'Pas d’apposition périostée ni d’épaississement cortical localisé.',
      'Rapports articulaires visibles au genou et à la cheville conservés.',
      'Parties molles sans particularité.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés de la jambe.',
    headings: ['Tibia', 'Fibula', 'Articulations sus- et sous-jacentes', 'Parties molles'],
  },
  ankle: {
    name: 'Cheville et arrière-pied',
    findings: [
      'Pas de trait de fracture visible sur les malléoles médiale, latérale et postérieure.',
      'Pince malléolaire et interligne tibio-talien congruents ; espace tibio-fibulaire distal sans élargissement.',
      'Dôme talien régulier ; calcanéus et base du cinquième métatarsien, s’ils sont inclus, sans fracture visible.',
      'Pas d’arrachement osseux visible.',
      'Parties molles sans tuméfaction notable.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés de la cheville.',
    headings: [
      'Malléoles',
      'Pilon tibial et dôme talien',
      'Mortaise et syndesmose',
      'Calcanéus, médiopied',
      'Parties molles',
    ],
  },
  foot: {
    name: 'Pied et orteils',
    findings: [
      'Pas de trait de fracture visible sur les phalanges, les métatarsiens et les os du tarse ; base du cinquième métatarsien intègre.',
      'Alignement tarso-métatarsien (Lisfranc) et médio-tarsien (Chopart) conservé.',
      'Interlignes métatarso-phalangiens et interphalangiens respectés.',
      'Calcanéus d’aspect normal sur les incidences réalisées.',
      'Parties molles sans corps étranger radio-opaque.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés du pied.',
    headings: [
      'Orteils et métatarsiens',
      'Tarse et calcanéus',
      'Alignement (Lisfranc, Chopart)',
      'Parties molles',
    ],
  },
  generic: {
    name: 'Général',
    findings: [
      'Pas de trait de fracture visible ; corticales continues.',
      'Rapports articulaires conservés.',
      'Pas de lésion osseuse focale ; minéralisation satisfaisante pour l’âge.',
      'Parties molles sans particularité.',
    ],
    conclusion: 'Pas de lésion osseuse traumatique visible sur ces clichés.',
    headings: ['Os', 'Articulations', 'Parties molles', 'Comparaison aux examens antérieurs'],
  },
};
