/** What an administrator does with a tool: switch it, try it on its golden cases, choose or take out a version; take a new one in. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, PackagePlus } from 'lucide-react';
import { useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { BrokenPackage, CheckResult, ModelView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime } from '../format.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { useAction } from './useAction.ts';

const REFRESH = [keys.models, keys.brokenPackages] as const;

export function AddPackage() {
  const { t } = useText();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const add = useMutation({
    mutationFn: (file: File) =>
      api<{ id: string; version: string }>('/packages', {
        method: 'POST',
        // What browsers call a zip depends on the system.
        body: file.slice(0, file.size, 'application/zip'),
      }),
    onSuccess: (added) => notify({ kind: 'ok', text: t('packages.added', added) }),
    onSettled: () => Promise.all(REFRESH.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  return (
    <div className="added-here">
      <input
        ref={input}
        type="file"
        accept=".zip,application/zip"
        hidden
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          event.target.value = '';
          if (file) add.mutate(file);
        }}
      />
      <button
        type="button"
        className="btn primary"
        disabled={add.isPending}
        onClick={() => input.current?.click()}
      >
        <PackagePlus size={16} aria-hidden /> {t('packages.add')}
      </button>
      <p className="muted" role="status">
        {add.isPending ? t('packages.adding') : t('packages.hint')}
      </p>
      {add.isError && (
        <p className="form-error" role="alert">
          {failureText(t, add.error)}
        </p>
      )}
    </div>
  );
}

/** Packages that lie here and are left out. */
export function BrokenPackages() {
  const { t } = useText();
  const { data = [] } = useQuery({
    queryKey: keys.brokenPackages,
    queryFn: () => api<BrokenPackage[]>('/packages/broken'),
  });
  if (data.length === 0) return null;
  return (
    <section className="card" aria-labelledby="packages-broken">
      <h2 id="packages-broken">{t('packages.broken')}</h2>
      <ul className="list">
        {data.map(({ dir, reason }) => (
          <li key={dir}>
            <div>
              <b className="mono" dir="auto">
                {dir}
              </b>
              <small lang="en">{reason}</small>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** @param props.children what else can be done with it, in the same row */
export function ToolPackage({ model, children }: { model: ModelView; children: ReactNode }) {
  const { t, language } = useText();
  const { id, version } = model.manifest;
  const enable = useAction({
    run: (enabled: boolean) => api(`/models/${id}/enabled`, { method: 'PUT', body: { enabled } }),
    refresh: REFRESH,
  });
  const use = useAction({
    run: (chosen: string) => api(`/models/${id}/version`, { method: 'PUT', body: { version: chosen } }),
    refresh: REFRESH,
  });
  const remove = useAction({
    run: (which: string) => api(`/models/${id}/versions/${which}`, { method: 'DELETE' }),
    refresh: REFRESH,
    done: () => t('packages.removed'),
  });
  const check = useMutation({
    mutationFn: () => api<CheckResult>(`/models/${id}/check`, { method: 'POST' }),
  });
  const Icon = check.data?.ok ? CircleCheck : CircleAlert;
  /** The version that is asked about once more before it goes. */
  const [going, setGoing] = useState('');
  const busy = enable.isPending || use.isPending || remove.isPending;
  return (
    <>
      {!model.removed && (
        <div className="rowline">
          {children}
          <button type="button" className="btn" disabled={busy} onClick={() => enable.mutate(!model.enabled)}>
            {model.enabled ? t('packages.disable') : t('packages.enable')}
          </button>
          <button type="button" className="btn" disabled={check.isPending} onClick={() => check.mutate()}>
            {check.isPending ? t('packages.checking') : t('packages.check')}
          </button>
        </div>
      )}
      <div role="status" className="wide">
        {check.isError && <p className="form-error">{failureText(t, check.error)}</p>}
        {check.data && (
          <>
            <div className="found" data-ok={check.data.ok || undefined}>
              <p>
                <Icon size={16} aria-hidden />{' '}
                {t(check.data.ok ? 'packages.checkOk' : 'packages.checkDiffers')}
              </p>
            </div>
            {!check.data.ok && (
              <ul className="list">
                {check.data.cases
                  .filter(({ ok }) => !ok)
                  .map((each) => (
                    <li key={each.name}>
                      <div lang="en">
                        <b>{each.name}</b>
                        <small>{each.detail}</small>
                      </div>
                    </li>
                  ))}
              </ul>
            )}
          </>
        )}
      </div>
      <details className="wide">
        <summary>{t('packages.versions', { count: model.versions.length })}</summary>
        <ul className="list">
          {model.versions.map((each) => (
            <li key={each.version}>
              <div>
                <b>
                  {each.version}
                  {each.version === version && !model.removed && ` · ${t('packages.inUse')}`}
                </b>
                <small>
                  {t(`packages.origin.${each.origin}`)}
                  {each.addedAt !== null && ` · ${dateTime(each.addedAt, language)}`} ·{' '}
                  {each.signer === null
                    ? t('packages.unsigned')
                    : t(each.signer.trusted ? 'packages.signed' : 'packages.signedUnknown', {
                        signer: each.signer.name,
                        key: each.signer.key,
                      })}
                </small>
              </div>
              <span className="grow" />
              {each.version !== version && (
                <button
                  type="button"
                  className="btn"
                  disabled={busy}
                  onClick={() => use.mutate(each.version)}
                >
                  {t('packages.use')}
                </button>
              )}
              {each.origin === 'added' && (
                <button
                  type="button"
                  className="btn danger"
                  disabled={busy}
                  onClick={() =>
                    going === each.version ? remove.mutate(each.version) : setGoing(each.version)
                  }
                >
                  {t(going === each.version ? 'packages.removeSure' : 'packages.remove')}
                </button>
              )}
            </li>
          ))}
        </ul>
        <p className="muted">{t('packages.versionRule')}</p>
      </details>
    </>
  );
}
