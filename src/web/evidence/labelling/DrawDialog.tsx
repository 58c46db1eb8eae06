/** Drawing a queue: of which tool and period, how many of the unmarked, who reads twice. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { DrawForm, Frame, LabellingQueueView, ModelView, Queue } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { number } from '../../format.ts';
import { keys } from '../../queries.ts';
import { notify } from '../../shell/notices.tsx';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { Check, Choices, SelectField, TextField } from '../../ui/fields.tsx';
import { between, lastYear } from '../range.ts';

/** What is proposed: as many as a practice may label in some evenings. */
const SAMPLE = 150;
const SHARE = 0.1;

export function DrawDialog(props: {
  model: ModelView;
  tools: LabellingQueueView['tools'];
  /** What is proposed, where something else proposes it. */
  sample?: number | undefined;
  onClose: () => void;
}) {
  const { t, language, say } = useText();
  const client = useQueryClient();
  const { manifest } = props.model;
  const [which, setWhich] = useState(0);
  const [dates, setDates] = useState(lastYear);
  const [title, setTitle] = useState('');
  const [sample, setSample] = useState(String(props.sample ?? SAMPLE));
  const [second, setSecond] = useState<DrawForm['second']>('part');
  const [settling, setSettling] = useState<DrawForm['settling']>('third');
  const [offerUnread, setOfferUnread] = useState(false);
  const tool = props.tools[which]!;
  const range = between(dates.from, dates.to);
  const period = {
    modelId: manifest.id,
    modelVersion: tool.modelVersion,
    operatingPoint: tool.operatingPoint,
    from: range.from ?? 0,
    to: range.to ?? 8.64e15,
  };
  const frame = useQuery({
    queryKey: [...keys.evidence, 'labelling', 'frame', period],
    queryFn: () => api<Frame>('/labelling/frame', { method: 'POST', body: period }),
    retry: false,
  });
  const wanted = Number(sample);
  const ready =
    title.trim() !== '' &&
    Number.isInteger(wanted) &&
    wanted >= 0 &&
    frame.isSuccess &&
    frame.data.marked + frame.data.unmarked > 0;
  const draw = useMutation({
    mutationFn: () =>
      api<Queue>('/labelling', {
        method: 'POST',
        body: {
          ...period,
          title: title.trim(),
          sample: wanted,
          second,
          secondShare: SHARE,
          settling,
          offerUnread,
        } satisfies DrawForm,
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.evidence });
      notify({ kind: 'ok', text: t('queue.drawn') });
      props.onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) draw.mutate();
  };
  return (
    <Dialog opened onClose={props.onClose} title={t('queue.drawTitle')} width={620}>
      <form onSubmit={submit} className="queue-form">
        <TextField
          label={t('queue.name')}
          hint={t('queue.nameHint')}
          maxLength={120}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
        <SelectField
          label={t('queue.tool')}
          value={which}
          onChange={(event) => setWhich(Number(event.target.value))}
        >
          {props.tools.map(({ modelVersion, operatingPoint, studies }, i) => (
            <option key={i} value={i}>
              {t('queue.toolOption', {
                version: modelVersion,
                point: say(
                  manifest.operatingPoints[operatingPoint]?.text ?? {
                    fr: operatingPoint,
                    en: operatingPoint,
                  },
                ),
                count: studies,
              })}
            </option>
          ))}
        </SelectField>
        <div className="queue-dates">
          {(['from', 'to'] as const).map((end) => (
            <TextField
              key={end}
              label={t(`queue.${end}`)}
              type="date"
              value={dates[end]}
              onChange={(event) => setDates({ ...dates, [end]: event.target.value })}
            />
          ))}
        </div>
        <p className="callout num" role="status">
          {frame.isPending
            ? t('queue.counting')
            : frame.isError
              ? failureText(t, frame.error)
              : t('queue.counted', {
                  marked: number(frame.data.marked, language),
                  unmarked: number(frame.data.unmarked, language),
                  training: number(frame.data.training, language),
                })}
        </p>
        <TextField
          label={t('queue.sample')}
          hint={t('queue.sampleHint')}
          type="number"
          min={0}
          value={sample}
          onChange={(event) => setSample(event.target.value)}
        />
        <Choices
          legend={t('queue.second')}
          name="second"
          value={second}
          onChange={setSecond}
          choices={(['part', 'all', 'none'] as const).map((value) => ({
            value,
            title: t(`queue.second.${value}`),
            text: t(`queue.second.text.${value}`),
          }))}
        />
        {second !== 'none' && (
          <Choices
            legend={t('queue.settling')}
            name="settling"
            value={settling}
            onChange={setSettling}
            choices={(['third', 'consensus'] as const).map((value) => ({
              value,
              title: t(`queue.settling.${value}`),
              text: t(`queue.settling.text.${value}`),
            }))}
          />
        )}
        <Check
          label={t('queue.unreadToo')}
          hint={t('queue.unreadTooHint')}
          checked={offerUnread}
          onChange={(event) => setOfferUnread(event.target.checked)}
        />
        {draw.isError && <p role="alert">{failureText(t, draw.error)}</p>}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('queue.cancel')}
          </button>
          <button type="submit" className="btn primary" disabled={!ready || draw.isPending}>
            {t('queue.draw')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
