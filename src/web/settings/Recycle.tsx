/** The recycle bin, and what is deleted by itself: nothing, until a rule says so. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Plus, Undo2, X } from 'lucide-react';
import { useState } from 'react';
import type { DeletionPolicy, DeletionView, RecycledPage, RecycledRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { bytes, dateOnly, dateTime, dicomDate, number, personName } from '../format.ts';
import { addCatalogue } from '../i18n/index.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { RowsSkeleton } from '../ui/Skeleton.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

addCatalogue({ fr, en });

const PAGE = 50;
const KEY = ['recycled'] as const;
const POLICY = ['deletion'] as const;

export function Recycle() {
  const { t } = useText();
  const policy = useQuery({ queryKey: POLICY, queryFn: () => api<DeletionView>('/deletion') });
  return (
    <>
      <p className="lead">{t('recycle.lead')}</p>
      <Bin />
      <Listed query={policy}>{(view) => <Policy key={JSON.stringify(view)} view={view} />}</Listed>
    </>
  );
}

function Bin() {
  const { t, language } = useText();
  const [erasing, setErasing] = useState<RecycledRow | null>(null);
  const pages = useInfiniteQuery({
    queryKey: KEY,
    initialPageParam: 0,
    queryFn: ({ pageParam }) =>
      api<RecycledPage>(`/recycled?limit=${PAGE}${pageParam ? `&before=${pageParam}` : ''}`),
    getNextPageParam: ({ rows }) => (rows.length === PAGE ? rows.at(-1)!.at : undefined),
  });
  const restore = useAction({
    run: (id: string) => api(`/recycled/${id}/restore`, { method: 'POST' }),
    refresh: [KEY, keys.worklist],
    done: () => t('recycle.restored'),
  });
  const erase = useAction({
    run: (id: string) => api(`/recycled/${id}`, { method: 'DELETE' }),
    refresh: [KEY],
    done: () => t('recycle.erased'),
  });
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? [];
  const total = pages.data?.pages[0]?.total ?? 0;
  return (
    <section className="card">
      <h2>
        {t('recycle.bin')} {total > 0 && <span className="num faint">{number(total, language)}</span>}
      </h2>
      {pages.isPending && <RowsSkeleton rows={2} />}
      {pages.isError && <p role="alert">{failureText(t, pages.error)}</p>}
      {pages.isSuccess && rows.length === 0 && <p className="muted">{t('recycle.empty')}</p>}
      <ul className="list">
        {rows.map((row) => (
          <li key={row.id}>
            <div>
              <b>
                <bdi>{personName(row.patientName) || t('patient.unnamed')}</bdi>
              </b>{' '}
              <span className="muted" dir="auto">
                {[row.description, dicomDate(row.studyDate, language)].filter(Boolean).join(', ')}
              </span>
              <small className="num">
                {t(`recycle.level.${row.level}`)} · {t('recycle.images', { count: row.instances })} ·{' '}
                {bytes(row.bytes, language)} ·{' '}
                {t('recycle.by', { when: dateTime(row.at, language), name: row.by })}
              </small>
              <small dir="auto">{row.cause === 'policy' ? t('recycle.byPolicy') : row.reason}</small>
              <small className="num">
                {t('recycle.until', { when: dateOnly(row.eraseAfter, language) })}
              </small>
            </div>
            {row.state === 'kept' && (
              <span className="rowline">
                <button
                  type="button"
                  className="btn"
                  disabled={restore.isPending}
                  onClick={() => restore.mutate(row.id)}
                >
                  <Undo2 size={16} aria-hidden /> {t('recycle.restore')}
                </button>
                <button type="button" className="btn danger" onClick={() => setErasing(row)}>
                  {t('recycle.erase')}
                </button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {pages.hasNextPage && (
        <button type="button" className="btn" onClick={() => void pages.fetchNextPage()}>
          {t('action.more')}
        </button>
      )}
      {erasing && (
        <Dialog opened onClose={() => setErasing(null)} title={t('recycle.eraseTitle')}>
          <p>{t('recycle.eraseText')}</p>
          <DialogFoot>
            <button type="button" className="btn ghost" onClick={() => setErasing(null)}>
              {t('action.cancel')}
            </button>
            <button
              type="button"
              className="btn danger"
              onClick={() => {
                erase.mutate(erasing.id);
                setErasing(null);
              }}
            >
              {t('recycle.erase')}
            </button>
          </DialogFoot>
        </Dialog>
      )}
    </section>
  );
}

function Policy({ view }: { view: DeletionView }) {
  const { t, language } = useText();
  const [policy, setPolicy] = useState<DeletionPolicy>(view.policy);
  const same = JSON.stringify(policy) === JSON.stringify(view.policy);
  const whole =
    [policy.recycleDays, policy.retentionYears, ...policy.rules.map((rule) => rule.olderThanYears)].every(
      (value) => Number.isInteger(value) && value >= 1,
    ) && policy.rules.every(({ modality }) => /^[A-Z0-9_]{0,16}$/.test(modality));
  const preview = useQuery({
    queryKey: [...POLICY, 'preview', policy],
    enabled: whole && policy.rules.length > 0,
    queryFn: () => api<{ reached: number[] }>('/deletion/preview', { method: 'POST', body: policy }),
  });
  const save = useAction({
    run: (body: DeletionPolicy) => api<DeletionView>('/deletion', { method: 'PUT', body }),
    refresh: [POLICY],
    done: () => t('recycle.saved'),
  });
  const setRule = (index: number, rule: DeletionPolicy['rules'][number] | null) =>
    setPolicy((before) => ({
      ...before,
      rules: rule
        ? before.rules.map((each, i) => (i === index ? rule : each))
        : before.rules.filter((_, i) => i !== index),
    }));
  return (
    <section className="card">
      <h2>{t('recycle.policy')}</h2>
      <p className="muted">{t('recycle.policyText')}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(policy);
        }}
      >
        <div className="form-grid">
          <TextField
            label={t('recycle.days')}
            type="number"
            min={1}
            max={3650}
            value={policy.recycleDays || ''}
            onChange={(event) => setPolicy({ ...policy, recycleDays: event.target.valueAsNumber || 0 })}
          />
          <TextField
            label={t('recycle.retention')}
            hint={t('recycle.retentionHint')}
            type="number"
            min={1}
            max={100}
            value={policy.retentionYears || ''}
            onChange={(event) => setPolicy({ ...policy, retentionYears: event.target.valueAsNumber || 0 })}
          />
        </div>
        <h3>{t('recycle.rules')}</h3>
        {policy.rules.length === 0 && <p className="muted">{t('recycle.noRules')}</p>}
        {policy.rules.map((rule, index) => (
          <div className="rowline rule" key={index}>
            <TextField
              label={t('recycle.older')}
              type="number"
              min={1}
              max={150}
              value={rule.olderThanYears || ''}
              onChange={(event) =>
                setRule(index, { ...rule, olderThanYears: event.target.valueAsNumber || 0 })
              }
            />
            <TextField
              label={t('recycle.modality')}
              placeholder={t('recycle.anyModality')}
              value={rule.modality}
              maxLength={16}
              onChange={(event) =>
                setRule(index, { ...rule, modality: event.target.value.trim().toUpperCase() })
              }
            />
            <span className="muted num" role="status">
              {preview.data?.reached[index] !== undefined &&
                t('recycle.reached', {
                  count: preview.data.reached[index],
                  n: number(preview.data.reached[index], language),
                })}
            </span>
            <button
              type="button"
              className="btn ghost"
              aria-label={t('recycle.removeRule')}
              onClick={() => setRule(index, null)}
            >
              <X size={16} aria-hidden />
            </button>
          </div>
        ))}
        <div className="rowline">
          <button
            type="button"
            className="btn"
            onClick={() =>
              setPolicy({
                ...policy,
                rules: [...policy.rules, { modality: '', olderThanYears: policy.retentionYears }],
              })
            }
          >
            <Plus size={16} aria-hidden /> {t('recycle.addRule')}
          </button>
          <button className="btn primary" disabled={same || !whole || save.isPending}>
            {t('action.save')}
          </button>
        </div>
      </form>
    </section>
  );
}
