/** One's own corner: account, theme, keys, lock, leave. Also for the reading page's header. */
import { Menu } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { LockKeyhole, LogOut, Moon, Sun, UserRound } from 'lucide-react';
import { useLocation } from 'wouter';
import type { Me } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { initials } from '../format.ts';
import { keys, rememberMe, useMe } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { sendUnsaved } from '../unsaved.ts';
import { notify } from './notices.tsx';

export function AvatarMenu() {
  const { t } = useText();
  const me = useMe();
  const client = useQueryClient();
  const [, go] = useLocation();
  const logout = useMutation({
    mutationFn: async () => {
      await sendUnsaved();
      await api('/logout', { method: 'POST' });
    },
    onSuccess: () => {
      rememberMe(null);
      // A fresh page: nothing of a patient stays in the memory of a shared computer.
      location.replace('/');
    },
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
  });
  const lock = async () => {
    await sendUnsaved();
    client.setQueryData<Me | null>(keys.me, (present) => (present ? { ...present, locked: true } : present));
    void api('/lock', { method: 'POST' }).catch(() => {});
  };
  const light = document.documentElement.dataset['theme'] === 'light';
  const theme = useMutation({
    mutationFn: () => api<Me>('/me', { method: 'PATCH', body: { theme: light ? 'dark' : 'light' } }),
    onSuccess: (next) => client.setQueryData(keys.me, next),
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
  });
  return (
    <Menu position="bottom-end" width={240} shadow="none">
      <Menu.Target>
        <button type="button" className="avatar">
          <span className="visually-hidden">{t('menu.label', { name: me.person.name })} </span>
          {initials(me.person.name)}
        </button>
      </Menu.Target>
      <Menu.Dropdown className="pop">
        <div className="menu-who">
          <b>{me.person.name}</b>
          <span className="muted small">{me.person.roles.map((role) => t(`role.${role}`)).join(', ')}</span>
        </div>
        <Menu.Item leftSection={<UserRound size={16} />} onClick={() => go('/settings/account')}>
          {t('settings.account')}
        </Menu.Item>
        <Menu.Item
          leftSection={light ? <Moon size={16} /> : <Sun size={16} />}
          onClick={() => theme.mutate()}
        >
          {light ? t('menu.dark') : t('menu.light')}
        </Menu.Item>
        <Menu.Item leftSection={<LockKeyhole size={16} />} onClick={() => void lock()}>
          {t('menu.lock')}
        </Menu.Item>
        <Menu.Item leftSection={<LogOut size={16} />} onClick={() => logout.mutate()}>
          {t('menu.logout')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
