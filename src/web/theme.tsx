/** Dark, light or as the system has it; and Mantine's variables told to follow our tokens. */
import { createTheme, MantineProvider } from '@mantine/core';
import type { CSSVariablesResolver, MantineColorsTuple } from '@mantine/core';
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { Me } from '../doors/api/contract.ts';

export type ThemeChoice = Me['theme'];
const KEY = 'negatoscope.theme';

const human = Array.from({ length: 10 }, () => 'var(--human)') as unknown as MantineColorsTuple;
const theme = createTheme({
  fontFamily: 'var(--font)',
  defaultRadius: '8px',
  primaryColor: 'human',
  colors: { human },
  respectReducedMotion: true,
  cursorType: 'pointer',
});
const tokens = {
  '--mantine-color-body': 'var(--panel)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--faint)',
  '--mantine-color-default': 'var(--panel)',
  '--mantine-color-default-hover': 'var(--panel-2)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-2)',
  '--mantine-color-error': 'var(--stop-text)',
  '--mantine-color-anchor': 'var(--human)',
};
const resolver: CSSVariablesResolver = () => ({ variables: {}, dark: tokens, light: tokens });

const systemIsLight = () => matchMedia('(prefers-color-scheme: light)').matches;
const ThemeContext = createContext<{ theme: ThemeChoice; setTheme: (theme: ThemeChoice) => void }>({
  theme: 'dark',
  setTheme: () => {},
});
export const useTheme = () => useContext(ThemeContext);

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'system' ? value : 'dark';
  } catch {
    return 'dark';
  }
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(stored);
  const [system, setSystem] = useState(systemIsLight);
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: light)');
    const changed = () => setSystem(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  const resolved = choice === 'system' ? (system ? 'light' : 'dark') : choice;
  useEffect(() => {
    document.documentElement.dataset['theme'] = resolved;
    document
      .querySelector('meta[name=theme-color]')
      ?.setAttribute('content', resolved === 'light' ? '#ffffff' : '#0a0c0f');
  }, [resolved]);
  const setTheme = useCallback((next: ThemeChoice) => {
    setChoice(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage is switched off: the account still remembers it.
    }
  }, []);
  const value = useMemo(() => ({ theme: choice, setTheme }), [choice, setTheme]);
  return (
    <ThemeContext value={value}>
      <MantineProvider theme={theme} forceColorScheme={resolved} cssVariablesResolver={resolver}>
        {children}
      </MantineProvider>
    </ThemeContext>
  );
}
