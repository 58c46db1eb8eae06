/** Follow-up from a file: tried first, and entered whole or not at all. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ImportReport } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { number } from '../../format.ts';
import { keys } from '../../queries.ts';
import { notify } from '../../shell/notices.tsx';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';

const SHOWN = 50;

export function ImportDialog({ modelId, onClose }: { modelId: string; onClose: () => void }) {
  const { t, language } = useText();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const send = (dryRun: 'yes' | 'no') =>
    api<ImportReport>(`/references/import?model=${encodeURIComponent(modelId)}&dryRun=${dryRun}`, {
      method: 'POST',
      body: new Blob([file!], { type: 'text/csv' }),
    });
  const trial = useMutation({ mutationFn: () => send('yes') });
  const enter = useMutation({
    mutationFn: () => send('no'),
    onSuccess: async (report) => {
      // Something came between the trial and now: it is said, and nothing was entered.
      if (report.dryRun) return;
      await client.invalidateQueries({ queryKey: keys.evidence });
      notify({ kind: 'ok', text: t('import.done', { count: report.entered }) });
      onClose();
    },
  });
  const report = enter.data ?? trial.data;
  const failed = enter.error ?? trial.error;
  return (
    <Dialog opened onClose={onClose} title={t('import.title')} width={620}>
      <div className="stack">
        <p>{t('import.text')}</p>
        <pre className="import-example" aria-label={t('import.example')}>
          {'accession;answer;method;days\nA2026-0117;yes;ct;9\nA2026-0142;no;clinical;30'}
        </pre>
        <p className="small muted">{t('import.columns')}</p>
        <label className="field">
          <span>{t('import.file')}</span>
          <input
            type="file"
            accept=".csv,.txt,text/csv"
            onChange={(event) => {
              setFile(event.target.files?.[0] ?? null);
              trial.reset();
              enter.reset();
            }}
          />
        </label>
        {failed && <p role="alert">{failureText(t, failed)}</p>}
        {report && (
          <div role="status">
            <p>
              {t('import.found', {
                rows: number(report.rows, language),
                entered: number(report.entered, language),
                known: number(report.known, language),
              })}
            </p>
            {report.problems.length > 0 && (
              <>
                <p>{t('import.problems', { count: report.problems.length })}</p>
                <ul className="import-problems small">
                  {report.problems.slice(0, SHOWN).map((problem, i) => (
                    <li key={i}>
                      {t('import.line', { line: problem.line })}{' '}
                      {t(`import.problem.${problem.code}`, {
                        value: 'value' in problem ? problem.value : '',
                      })}
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        )}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('queue.cancel')}
          </button>
          <button
            type="button"
            className="btn"
            disabled={!file || trial.isPending}
            onClick={() => trial.mutate()}
          >
            {t('import.try')}
          </button>
          <button
            type="button"
            className="btn primary"
            disabled={
              !trial.data || trial.data.problems.length > 0 || trial.data.entered === 0 || enter.isPending
            }
            onClick={() => enter.mutate()}
          >
            {t('import.enter')}
          </button>
        </DialogFoot>
      </div>
    </Dialog>
  );
}
