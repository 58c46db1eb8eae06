/** One other system: what it is called, where it is, what it is for, and how the two prove who they are. */
import { Download } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type {
  Identity,
  Kind,
  NewRemote,
  RemoteChange,
  RemoteSystem,
  WebAuth,
} from '../../doors/api/contract.ts';
import { keys, useStatus } from '../queries.ts';
import { EntryFoot, useEntry } from '../settings/Entry.tsx';
import { useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Check, Choices, Segmented, SelectField, TextArea, TextField } from '../ui/fields.tsx';

const USES = ['sendTo', 'queryFrom', 'moveTo'] as const;
const IDENTITIES: readonly Identity[] = ['none', 'own', 'given'];
const KINDS: readonly Kind[] = ['dimse', 'dicomweb'];
const AUTHS: readonly WebAuth[] = ['bearer', 'basic', 'none'];

/** As it is edited: key and secret are empty unless others are typed. */
type Form = Omit<RemoteSystem, 'id' | 'hasKey' | 'hasSecret' | 'createdAt' | 'changedAt'> & {
  key: string;
  secret: string;
};
type FormProps = { form: Form; set: (part: Partial<Form>) => void };

const EMPTY: Form = {
  name: '',
  kind: 'dimse',
  url: '',
  auth: 'bearer',
  user: '',
  secret: '',
  aeTitle: '',
  host: '',
  port: 104,
  tls: false,
  ca: null,
  identity: 'none',
  certificate: null,
  key: '',
  commitment: false,
  callingAe: null,
  sendTo: true,
  queryFrom: true,
  moveTo: false,
  enabled: true,
};

export function SystemDialog({ system, onClose }: { system: RemoteSystem | null; onClose: () => void }) {
  const { t } = useText();
  const [form, setForm] = useState<Form>(() => {
    if (!system) return EMPTY;
    const { id: _id, hasKey: _key, hasSecret: _s, createdAt: _c, changedAt: _changed, ...rest } = system;
    return { ...rest, key: '', secret: '' };
  });
  const [port, setPort] = useState(String(form.port));
  const set = (part: Partial<Form>) => setForm((present) => ({ ...present, ...part }));
  const entry = useEntry<NewRemote | RemoteChange>({
    path: '/remotes',
    id: system?.id,
    refresh: [keys.remotes, keys.knocks],
    saved: t('remote.saved'),
    removed: t('remote.removed'),
    onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { key, secret, ...rest } = form;
    entry.save.mutate({
      ...rest,
      ...(key.trim() === '' ? {} : { key }),
      ...(secret.trim() === '' ? {} : { secret }),
      port: Number(port),
      callingAe: form.callingAe?.trim() || null,
      // A web service has no other use, and no box to tick.
      ...(form.kind === 'dicomweb' && { sendTo: true }),
    });
  };
  return (
    <Dialog opened onClose={onClose} title={system ? t('remote.edit') : t('remote.add')}>
      <form onSubmit={submit}>
        <TextField
          label={t('remote.name')}
          hint={t('remote.nameHint')}
          required
          dir="auto"
          value={form.name}
          onChange={(event) => set({ name: event.target.value })}
          data-autofocus
        />
        {system === null && (
          <Segmented
            label={t('remote.kind')}
            value={form.kind}
            onChange={(kind) => set({ kind })}
            options={KINDS.map((value) => ({ value, label: t(`remote.kind.${value}`) }))}
          />
        )}
        {form.kind === 'dicomweb' ? (
          <>
            <Service form={form} hasSecret={system?.hasSecret ?? false} set={set} />
            {form.url.trim().startsWith('https:') && (
              <Proofs form={form} hasKey={system?.hasKey ?? false} set={set} />
            )}
          </>
        ) : (
          <Dimse form={form} hasKey={system?.hasKey ?? false} set={set} port={port} setPort={setPort} />
        )}
        {system && (
          <Check
            label={t('remote.enabled')}
            hint={t('remote.enabledHint')}
            checked={form.enabled}
            onChange={(event) => set({ enabled: event.target.checked })}
          />
        )}
        <EntryFoot entry={entry} deletable={system !== null} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** A web service: its address, and how we sign in there. Studies are sent to it. */
function Service({ form, set, hasSecret }: FormProps & { hasSecret: boolean }) {
  const { t } = useText();
  return (
    <>
      <TextField
        label={t('remote.url')}
        hint={t('remote.urlHint')}
        required
        type="url"
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        placeholder="https://pacs.example/dicom-web"
        value={form.url}
        onChange={(event) => set({ url: event.target.value })}
      />
      <SelectField
        label={t('remote.auth')}
        value={form.auth}
        onChange={(event) => set({ auth: event.target.value as WebAuth })}
      >
        {AUTHS.map((auth) => (
          <option key={auth} value={auth}>
            {t(`remote.auth.${auth}`)}
          </option>
        ))}
      </SelectField>
      {form.auth === 'basic' && (
        <TextField
          label={t('remote.user')}
          required
          autoComplete="off"
          value={form.user}
          onChange={(event) => set({ user: event.target.value })}
        />
      )}
      {form.auth !== 'none' && (
        <TextField
          label={t(`remote.secret.${form.auth}`)}
          hint={hasSecret ? t('remote.secretKept') : t('remote.secretHint')}
          required={!hasSecret}
          type="password"
          autoComplete="new-password"
          value={form.secret}
          onChange={(event) => set({ secret: event.target.value })}
        />
      )}
    </>
  );
}

/** A system of the DICOM network: its address, what it is for, and how the two know each other. */
function Dimse(props: FormProps & { hasKey: boolean; port: string; setPort: (port: string) => void }) {
  const { t } = useText();
  const site = useStatus().data?.site;
  const { form, set, hasKey, port, setPort } = props;
  return (
    <>
      <TextField
        label={t('remote.aeTitle')}
        hint={t('remote.aeTitleHint')}
        required
        maxLength={16}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        value={form.aeTitle}
        onChange={(event) => set({ aeTitle: event.target.value })}
      />
      <div className="pair">
        <TextField
          label={t('remote.host')}
          required
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          value={form.host}
          onChange={(event) => set({ host: event.target.value })}
        />
        <TextField
          label={t('remote.port')}
          required
          inputMode="numeric"
          pattern="[0-9]{1,5}"
          className="input mono"
          value={port}
          onChange={(event) => setPort(event.target.value)}
        />
      </div>
      <fieldset className="choices">
        <legend>{t('remote.uses')}</legend>
        {USES.map((use) => (
          <Check
            key={use}
            label={t(`remote.use.${use}`)}
            hint={t(`remote.useHint.${use}`)}
            checked={form[use]}
            onChange={(event) => set({ [use]: event.target.checked })}
          />
        ))}
      </fieldset>
      {form.sendTo && (
        <Check
          label={t('remote.commitment')}
          hint={t('remote.commitmentHint')}
          checked={form.commitment}
          onChange={(event) => set({ commitment: event.target.checked })}
        />
      )}
      <Check
        label={t('remote.tls')}
        hint={t('remote.tlsHint')}
        checked={form.tls}
        onChange={(event) => set({ tls: event.target.checked })}
      />
      {form.tls && <Proofs form={form} hasKey={hasKey} set={set} />}
      <TextField
        label={t('remote.callingAe')}
        hint={t('remote.callingAeHint')}
        maxLength={16}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        placeholder={site?.aeTitle}
        value={form.callingAe ?? ''}
        onChange={(event) => set({ callingAe: event.target.value })}
      />
    </>
  );
}

/** TLS: how the system proves who it is, and how we do. */
function Proofs({ form, hasKey, set }: FormProps & { hasKey: boolean }) {
  const { t } = useText();
  return (
    <>
      <Pem label={t('remote.ca')} hint={t('remote.caHint')} value={form.ca} onChange={(ca) => set({ ca })} />
      <Choices
        legend={t('remote.identity')}
        name="identity"
        value={form.identity}
        onChange={(identity) => set({ identity })}
        choices={IDENTITIES.map((value) => ({
          value,
          title: t(`remote.identity.${value}`),
          text: t(`remote.identityHint.${value}`),
        }))}
      />
      {form.identity === 'own' && (
        <p>
          <a className="btn" href="/api/remotes/authority" download="negatoscope-ca.pem">
            <Download size={16} aria-hidden /> {t('remote.authority')}
          </a>
        </p>
      )}
      {form.identity === 'given' && (
        <>
          <Pem
            label={t('remote.certificate')}
            hint={t('remote.certificateHint')}
            value={form.certificate}
            onChange={(certificate) => set({ certificate })}
          />
          <Pem
            label={t('remote.key')}
            hint={hasKey ? t('remote.keyKept') : t('remote.keyHint')}
            value={form.key}
            onChange={(key) => set({ key: key ?? '' })}
          />
        </>
      )}
    </>
  );
}

function Pem(props: {
  label: string;
  hint: string;
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  return (
    <TextArea
      label={props.label}
      hint={props.hint}
      rows={4}
      className="input mono"
      autoComplete="off"
      spellCheck={false}
      value={props.value ?? ''}
      onChange={(event) => props.onChange(event.target.value || null)}
    />
  );
}
