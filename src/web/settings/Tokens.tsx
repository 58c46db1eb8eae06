/** Bearer tokens for machines: a PACS, a script. Shown once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Copy } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Role, TokenRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime } from '../format.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { Check, TextField } from '../ui/fields.tsx';
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

/** A machine never signs: the reader's role is not for it. */
const ROLES: readonly Role[] = ['technologist', 'viewer', 'evidence', 'admin', 'worker'];
/** A worker's token has its role alone: the server holds to it. */
const withRole = (roles: readonly Role[], role: Role, on: boolean): readonly Role[] => {
  if (!on) return roles.filter((other) => other !== role);
  return role === 'worker' ? [role] : [...roles.filter((other) => other !== 'worker'), role];
};

export function Tokens() {
  const { t, language } = useText();
  const client = useQueryClient();
  const tokens = useQuery({ queryKey: keys.tokens, queryFn: () => api<TokenRow[]>('/tokens') });
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>(['technologist']);
  const create = useMutation({
    mutationFn: () =>
      api<{ token: string }>('/tokens', { method: 'POST', body: { name: name.trim(), roles } }),
    onSuccess: () => {
      setName('');
      void client.invalidateQueries({ queryKey: keys.tokens });
    },
  });
  const remove = useAction({
    run: (id: string) => api(`/tokens/${id}`, { method: 'DELETE' }),
    refresh: [keys.tokens],
    done: () => t('tokens.removed'),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() && roles.length > 0) create.mutate();
  };
  const copy = async (token: string) => {
    await navigator.clipboard.writeText(token).catch(() => {});
    notify({ kind: 'ok', text: t('action.copied') });
  };
  return (
    <>
      <p className="lead">{t('tokens.lead')}</p>
      <section className="card">
        <h2>{t('tokens.new')}</h2>
        <form onSubmit={submit}>
          <TextField
            label={t('tokens.name')}
            hint={t('tokens.nameHint')}
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <fieldset className="choices">
            <legend>{t('people.roles')}</legend>
            {ROLES.map((role) => (
              <Check
                key={role}
                label={t(`role.${role}`)}
                hint={t(`role.text.${role}`)}
                checked={roles.includes(role)}
                onChange={(event) => setRoles(withRole(roles, role, event.target.checked))}
              />
            ))}
          </fieldset>
          {create.isError && <p className="form-error">{failureText(t, create.error)}</p>}
          <button className="btn" disabled={!name.trim() || roles.length === 0 || create.isPending}>
            {t('tokens.create')}
          </button>
        </form>
        {create.data && (
          <div className="wide stack" role="status">
            <p>{t('tokens.once')}</p>
            <div className="secret-once">
              <code className="mono">{create.data.token}</code>
              {'clipboard' in navigator && (
                <button type="button" className="btn" onClick={() => void copy(create.data.token)}>
                  <Copy size={16} aria-hidden /> {t('action.copy')}
                </button>
              )}
            </div>
          </div>
        )}
      </section>
      <Listed query={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="muted">{t('tokens.none')}</p>
          ) : (
            <ul className="list">
              {rows.map((row) => (
                <li key={row.id}>
                  <div>
                    <b>{row.name}</b>
                    <small className="num">
                      {row.roles.map((role) => t(`role.${role}`)).join(', ')} ·{' '}
                      {row.lastUsedAt === null
                        ? t('tokens.neverUsed')
                        : t('tokens.lastUsed', { when: dateTime(row.lastUsedAt, language) })}
                    </small>
                  </div>
                  <button
                    type="button"
                    className="btn danger"
                    disabled={remove.isPending}
                    onClick={() => remove.mutate(row.id)}
                  >
                    {t('tokens.remove')}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Listed>
    </>
  );
}
