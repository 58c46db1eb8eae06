/** Accounts and what each may do. */
import { useQuery } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Language, Person, Role, UserForm } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { proposeLogin } from '../entry/proposeLogin.ts';
import { keys, useMe } from '../queries.ts';
import { useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Check, SelectField, TextField } from '../ui/fields.tsx';
import { EntryFoot, useEntry } from './Entry.tsx';
import { Listed } from './Listed.tsx';

const ROLES: readonly Role[] = ['reader', 'technologist', 'evidence', 'viewer', 'admin'];

export function People() {
  const { t } = useText();
  const people = useQuery({ queryKey: keys.users, queryFn: () => api<Person[]>('/users') });
  const [edited, setEdited] = useState<Person | 'new' | null>(null);
  return (
    <>
      <p className="lead">{t('people.lead')}</p>
      <div>
        <button type="button" className="btn primary" onClick={() => setEdited('new')}>
          <UserPlus size={16} aria-hidden /> {t('people.add')}
        </button>
      </div>
      <Listed query={people}>
        {(rows) => (
          <ul className="list">
            {rows.map((person) => (
              <li key={person.id}>
                <div>
                  <b className={person.disabled ? 'muted' : ''}>
                    <bdi>{person.name}</bdi>
                  </b>
                  <small>{person.login}</small>
                </div>
                <span className="rowline">
                  {person.disabled && <span className="chip warn">{t('people.disabled')}</span>}
                  {person.roles.map((role) => (
                    <span key={role} className="chip">
                      {t(`role.${role}`)}
                    </span>
                  ))}
                </span>
                <button
                  type="button"
                  className="btn"
                  aria-label={t('people.editNamed', { name: person.name })}
                  onClick={() => setEdited(person)}
                >
                  {t('action.edit')}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Listed>
      {edited && <PersonDialog person={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function PersonDialog({ person, onClose }: { person: Person | null; onClose: () => void }) {
  const { t, language } = useText();
  const me = useMe();
  const [name, setName] = useState(person?.name ?? '');
  const [loginTyped, setLogin] = useState<string | null>(person?.login ?? null);
  const [password, setPassword] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>(person?.roles ?? ['reader']);
  const [speaks, setSpeaks] = useState<Language>(person?.language ?? language);
  const [disabled, setDisabled] = useState(person?.disabled ?? false);
  const login = loginTyped ?? proposeLogin(name);
  const self = person?.id === me.person.id;
  const ready =
    name.trim() &&
    login &&
    roles.length > 0 &&
    (person ? password === '' || password.length >= 10 : password.length >= 10);
  const entry = useEntry<UserForm>({
    path: '/users',
    id: person?.id,
    refresh: self ? [keys.users, keys.me] : [keys.users],
    saved: t('people.saved'),
    onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    entry.save.mutate({
      name: name.trim(),
      roles: [...roles],
      language: speaks,
      ...(person ? { disabled } : { login }),
      ...(password ? { password } : {}),
    });
  };
  return (
    <Dialog opened onClose={onClose} title={person ? t('people.edit') : t('people.add')}>
      <form onSubmit={submit}>
        <TextField
          label={t('setup.name')}
          dir="auto"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {!person && (
          <TextField
            label={t('setup.login')}
            hint={t('setup.loginHint')}
            required
            autoComplete="off"
            spellCheck={false}
            value={login}
            onChange={(event) => setLogin(event.target.value.toLowerCase().replace(/[^a-z0-9._-]/g, ''))}
          />
        )}
        <TextField
          label={person ? t('people.newPassword') : t('people.firstPassword')}
          hint={t('setup.passwordHint')}
          type="password"
          autoComplete="new-password"
          required={!person}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <fieldset className="choices">
          <legend>{t('people.roles')}</legend>
          {ROLES.map((role) => (
            <Check
              key={role}
              label={t(`role.${role}`)}
              hint={t(`role.text.${role}`)}
              checked={roles.includes(role)}
              disabled={self && role === 'admin'}
              onChange={(event) =>
                setRoles(event.target.checked ? [...roles, role] : roles.filter((other) => other !== role))
              }
            />
          ))}
        </fieldset>
        <SelectField
          label={t('account.language')}
          value={speaks}
          onChange={(event) => setSpeaks(event.target.value as Language)}
        >
          <option value="fr">Français</option>
          <option value="en">English</option>
        </SelectField>
        {person && !self && (
          <Check
            label={t('people.disable')}
            hint={t('people.disableHint')}
            checked={disabled}
            onChange={(event) => setDisabled(event.target.checked)}
          />
        )}
        <EntryFoot entry={entry} ready={Boolean(ready)} onClose={onClose} />
      </form>
    </Dialog>
  );
}
