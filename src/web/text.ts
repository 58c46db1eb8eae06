/** Words that several pages say: exams, bodies, tools, failures. */
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { AiStatus, Language, StudyRow, Text } from '../doors/api/contract.ts';
import { ApiFailure } from './api.ts';
import { typeset } from './format.ts';
import { i18next } from './i18n/index.ts';

/** The present language and `t`. */
export function useText(): { t: TFunction; language: Language; say: (text: Text) => string } {
  const { t, i18n } = useTranslation();
  const language: Language = i18n.language === 'fr' ? 'fr' : 'en';
  return { t, language, say: (text) => typeset(text[language], language) };
}

/** The catalogue's words for a code, or the code itself where the catalogue does not know it. */
export function orCode(t: TFunction, prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return i18next.exists(key) ? t(key) : code;
}

/** Body Part Examined (PS3.16 annex L) in plain words. */
export const bodyPart = (t: TFunction, term: string): string =>
  term ? orCode(t, 'bodyPart', term.toUpperCase().replaceAll(' ', '')) : '';

/** "Poignet gauche, face": what the header says, or body part and side. */
export function examTitle(t: TFunction, study: StudyRow): string {
  if (study.description) return study.description;
  const parts = study.bodyParts.map((term) => bodyPart(t, term)).join(', ');
  const side = study.laterality ? orCode(t, 'laterality', study.laterality) : '';
  return [parts || t('exam.untitled'), side].filter(Boolean).join(' ');
}
/** The title with the side of the body, which a description often leaves out. */
export function sided(t: TFunction, study: StudyRow): string {
  const title = examTitle(t, study);
  const side = study.laterality ? orCode(t, 'laterality', study.laterality) : '';
  return side === '' || title.toLowerCase().includes(side.toLowerCase()) ? title : `${title} · ${side}`;
}
export const sexAge = (t: TFunction, study: StudyRow): string =>
  [
    study.sex ? orCode(t, 'sex', study.sex) : '',
    study.ageYears === null
      ? ''
      : study.ageYears === 0
        ? t('age.infant')
        : t('age.years', { count: study.ageYears }),
  ]
    .filter(Boolean)
    .join(' · ');

/** What a list says about a tool: that it ran or why it did not, never what it found. */
export function aiText(t: TFunction, status: AiStatus): string {
  if (status.state === 'not-run' && status.reason) {
    const told = status.detail ?? '';
    const detail = status.reason === 'body-part' && told ? bodyPart(t, told).toLowerCase() : told;
    return t(`ai.notRun.${status.reason}`, { detail });
  }
  return t(`ai.state.${status.state}`);
}

/** A failure in the reader's language: by its code, else by its kind. */
export function failureText(t: TFunction, error: unknown): string {
  if (!(error instanceof ApiFailure)) return t('errors.unexpected');
  const key = `errors.${error.code}`;
  if (i18next.exists(key)) return t(key, error.details);
  if (error.status === 403) return t('errors.forbidden');
  if (error.status === 404) return t('errors.not-found');
  if (error.status === 429) return t('errors.too-many');
  return error.status >= 500 ? t('errors.server') : error.message || t('errors.unexpected');
}
