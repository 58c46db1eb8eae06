/** Français / English, each in its own language. */
import { LANGUAGES, setLanguage } from '../i18n/index.ts';
import { useText } from '../text.ts';
import { Segmented } from '../ui/fields.tsx';

const NAMES = { fr: 'Français', en: 'English' } as const;

export function LanguageSwitch() {
  const { t, language } = useText();
  return (
    <Segmented
      label={t('login.language')}
      value={language}
      onChange={setLanguage}
      options={LANGUAGES.map((value) => ({ value, label: <span lang={value}>{NAMES[value]}</span> }))}
    />
  );
}
