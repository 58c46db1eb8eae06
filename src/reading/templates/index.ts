import type { Language } from '../../people/types.ts';
import type { Template } from '../types.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { REGIONS, type Region } from './regions.ts';

const TEXTS = { fr, en };
const KIND = {
  fr: { normal: 'normal', free: 'rubriques à remplir' },
  en: { normal: 'normal', free: 'headings to fill in' },
} as const;

/** Text blocks that a reader chooses; nothing chooses one for the reader. Free ones hold headings alone. */
export function templates(language: Language): Template[] {
  return (Object.keys(REGIONS) as Region[]).flatMap((region) => {
    const text = TEXTS[language][region];
    const of = (kind: Template['kind'], fields: Template['fields']): Template => ({
      id: `${region}-${kind}-${language}`,
      region,
      kind,
      title: `${text.name} · ${KIND[language][kind]}`,
      bodyParts: [...REGIONS[region]],
      fields: { ...fields, language },
    });
    const colon = language === 'fr' ? ' :' : ':';
    return [
      of('normal', { findings: text.findings.join('\n'), conclusion: text.conclusion }),
      of('free', { findings: text.headings.map((heading) => `${heading}${colon} `).join('\n') }),
    ];
  });
}
