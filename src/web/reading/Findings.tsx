/** What AI proposes and what the reader decides: the same three answers for each, none of them chosen. */
import { Plus, Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Answer, Box, Finding, ModelView, RejectReason, StudyView } from '../../doors/api/contract.ts';
import { clock, number } from '../format.ts';
import { aiText, useText } from '../text.ts';
import { Segmented } from '../ui/fields.tsx';
import { measuresOnly, Outcome } from './Outcome.tsx';
import { operatingSentence } from './sentence.ts';
import { lookOf, placeName } from './viewer/Marks.tsx';
import type { ReadingState } from './useReading.ts';

/** Why a mark is rejected; the digits of the keyboard belong to the windows. */
const REASONS: readonly RejectReason[] = ['nothing', 'variant', 'artefact', 'old', 'other'];

const ANSWERS: readonly Answer[] = ['yes', 'no', 'uncertain'];

export function answerLabels(
  model: ModelView | undefined,
  language: 'fr' | 'en',
  fallback: (answer: Answer) => string,
) {
  return ANSWERS.map((value) => ({
    value,
    label: model?.manifest.question?.answers[value][language] ?? fallback(value),
  }));
}

export function Findings(props: {
  view: StudyView;
  reading: ReadingState;
  models: readonly ModelView[];
  editable: boolean;
  aiShown: boolean;
  selected: string | null;
  onSelect: (id: string) => void;
  correcting: { finding: Finding; box: Box | null; fresh: boolean } | null;
  onBox: (box: Box) => void;
  onCorrect: (finding: Finding) => void;
  /** null: the label stays. */
  onCorrected: (text: string | null) => void;
  onCancelCorrect: () => void;
  onAdd: () => void;
  onOpinion: (opinion: { modelId: string; answer: Answer }) => void;
}) {
  const { t } = useText();
  const { view, editable, aiShown } = props;
  const shown = view.findings.filter((finding) => finding.by === 'reader' || aiShown);
  const undecided = view.findings.filter(({ decision }) => decision === null).length;
  return (
    <section className="sec" aria-label={t('findings.title')}>
      <h2>
        {t('findings.title')}
        {undecided > 0 && <span className="todo">{t('findings.toDecide', { count: undecided })}</span>}
      </h2>
      {view.ai.map((ai) => (
        <Tool key={ai.status.modelId} {...props} ai={ai} />
      ))}
      {!aiShown && view.findings.some(({ by }) => by === 'ai') && (
        <p className="muted small hidden-ai">{t('findings.aiHidden')}</p>
      )}
      {shown.map((finding) => (
        <Card key={finding.id} {...props} finding={finding} />
      ))}
      {editable && (
        <button type="button" className="btn ghost add" onClick={props.onAdd}>
          <Plus size={16} aria-hidden /> {t('findings.add')} <kbd>+</kbd>
        </button>
      )}
    </section>
  );
}

type Ai = StudyView['ai'][number];
function Tool({ ai, ...props }: Parameters<typeof Findings>[0] & { ai: Ai }) {
  const { t, language, say } = useText();
  const [pending, setPending] = useState<Answer | null>(null);
  const model = props.models.find(({ manifest }) => manifest.id === ai.status.modelId);
  const name = model ? `${say(model.manifest.name)} ${model.manifest.version}` : ai.status.modelId;
  const question = model?.manifest.question;
  const labels = answerLabels(model, language, (answer) => t(`answer.${answer}`));
  const sentence = model && operatingSentence(say, model.manifest, props.view.study.bodyParts);
  if (ai.hidden === 'opinion-first') {
    if (!props.editable)
      return <p className="muted small tool-line">{t('ai.opinionFirstOther', { name })}</p>;
    return (
      <div className="opinion">
        <p>
          <b>{t('ai.opinionFirst')}</b>
          <span className="muted small">{t('ai.opinionWhy', { name })}</span>
        </p>
        {question && <p className="small">{say(question.text)}</p>}
        <Segmented label={t('ai.opinionFirst')} value={pending} onChange={setPending} options={labels} />
        <button
          type="button"
          className="btn"
          disabled={pending === null || props.reading.opinion.isPending}
          onClick={() => {
            if (pending) props.onOpinion({ modelId: ai.status.modelId, answer: pending });
          }}
        >
          {t('ai.opinionGive')}
        </button>
      </div>
    );
  }
  const given = ai.opinion && labels.find(({ value }) => value === ai.opinion!.answer)?.label;
  const marks = props.view.findings.filter(
    (each) => each.by === 'ai' && each.modelId === ai.status.modelId,
  ).length;
  return (
    <>
      {given && (
        <p className="own-opinion">
          <i aria-hidden />
          <span>
            {t('ai.ownOpinion')} <b>{given}</b> · {clock(ai.opinion!.at, language)}
          </span>
        </p>
      )}
      <p className="muted small tool-line">
        <span className={`chip ${ai.status.state === 'analysed' ? 'ai' : ''}`}>
          <span>
            {name} · {aiText(t, ai.status)}
          </span>
        </span>
        {ai.hidden === 'stage' && ai.status.state === 'analysed' && (
          <span>{t(`ai.hiddenStage.${ai.stage}`)}</span>
        )}
        {ai.run && <span>{tookText(t, ai.run, language)}</span>}
        {ai.hidden === 'not-named' && <span>{t('ai.hiddenNotNamed')}</span>}
      </p>
      {ai.run && ai.hidden === null && model && <Outcome run={ai.run} manifest={model.manifest} />}
      {ai.unmapped.length > 0 && (
        <p className="muted small tool-line">
          {t('ai.unmapped')}{' '}
          {ai.unmapped.map((code) => t(`ai.unmapped.${code}`)).join(language === 'fr' ? '\u00a0; ' : '; ')}
        </p>
      )}
      {ai.hidden === null &&
        ai.status.state === 'analysed' &&
        marks === 0 &&
        ai.unmapped.length === 0 &&
        !measuresOnly(model) && (
          <div className="proposal none">
            <b>{t('ai.noMark')}</b>
            {sentence && <p className="muted small">{sentence}</p>}
          </div>
        )}
    </>
  );
}

/** How long it took and what it ran on: `1.2 s, on this server`. Nothing for what came from elsewhere. */
function tookText(
  t: ReturnType<typeof useText>['t'],
  { startedAt, finishedAt, worker }: NonNullable<Ai['run']>,
  language: string,
): string {
  if (startedAt === null || finishedAt === null || !worker) return '';
  const seconds = number((finishedAt - startedAt) / 1000, language, 1);
  return worker === 'local'
    ? t('ai.tookHere', { seconds })
    : t('ai.tookElsewhere', { seconds, worker: worker.replace(/^token:/, '') });
}

function Card({ finding, ...props }: Parameters<typeof Findings>[0] & { finding: Finding }) {
  const { t, say } = useText();
  const { editable, selected, onSelect, reading } = props;
  const model = props.models.find(({ manifest }) => manifest.id === finding.modelId);
  const label = model?.manifest.labels[finding.label]?.text;
  const name =
    finding.text || (label ? say(label) : t(`label.${finding.label}`, { defaultValue: finding.label }));
  const look = lookOf(finding);
  const on = selected === finding.id;
  const decide = (decision: 'accepted' | 'rejected') =>
    reading.decide.mutate({
      id: finding.id,
      decision: finding.decision === decision ? null : decision,
      box: null,
    });
  return (
    <article
      className={`proposal ${look}`}
      data-selected={on || undefined}
      onClick={() => onSelect(finding.id)}
    >
      <header>
        <span className="n" aria-hidden>
          {look === 'accepted' ? '✓' : finding.number}
        </span>
        <button type="button" className="name" aria-pressed={on} onClick={() => onSelect(finding.id)}>
          <span className="visually-hidden">{t('findings.number', { number: finding.number })} </span>
          <span className="label">{name}</span>
        </button>
        {finding.decision !== null && finding.by === 'ai' && (
          <span className="verdict">{t(`decision.${finding.decision}`)}</span>
        )}
        {finding.by === 'reader' && <span className="verdict">{t('findings.own')}</span>}
      </header>
      {finding.by === 'ai' && (
        <p className="muted small">
          {finding.places.length === 0
            ? t('findings.noPlace')
            : t('findings.places', { count: finding.places.length })}{' '}
          {model && operatingSentence(say, model.manifest, props.view.study.bodyParts)}
        </p>
      )}
      {editable && finding.by === 'ai' && finding.decision === 'rejected' && (
        <div className="reject-reasons" role="group" aria-label={t('reject.why')}>
          <span className="muted small">{t('reject.why')}</span>
          {REASONS.map((reason) => (
            <button
              key={reason}
              type="button"
              className="btn ghost small"
              aria-pressed={finding.reason === reason}
              onClick={() =>
                reading.decide.mutate({
                  id: finding.id,
                  decision: 'rejected',
                  box: null,
                  reason: finding.reason === reason ? null : reason,
                })
              }
            >
              {t(`reject.reason.${reason}`)}
            </button>
          ))}
        </div>
      )}
      {on && props.correcting?.finding.id === finding.id ? (
        <Correction {...props} correcting={props.correcting} finding={finding} name={name} />
      ) : (
        editable &&
        (finding.by === 'ai' ? (
          <div
            className="choices3"
            role="group"
            aria-label={t('findings.number', { number: finding.number })}
          >
            <button
              type="button"
              className="btn"
              aria-pressed={finding.decision === 'accepted'}
              onClick={() => decide('accepted')}
            >
              {t('findings.accept')} <kbd>O</kbd>
            </button>
            <button
              type="button"
              className="btn"
              aria-pressed={finding.decision === 'corrected'}
              onClick={() => props.onCorrect(finding)}
            >
              {t('findings.correct')} <kbd>C</kbd>
            </button>
            <button
              type="button"
              className="btn"
              aria-pressed={finding.decision === 'rejected'}
              onClick={() => decide('rejected')}
            >
              {t('findings.reject')} <kbd>N</kbd>
            </button>
          </div>
        ) : (
          <div className="rowline">
            <button type="button" className="btn" onClick={() => props.onCorrect(finding)}>
              {t('findings.change')}
            </button>
            <button type="button" className="btn ghost" onClick={() => reading.remove.mutate(finding.id)}>
              <Trash2 size={15} aria-hidden /> {t('action.delete')}
            </button>
          </div>
        ))
      )}
    </article>
  );
}

function Correction(props: {
  finding: Finding;
  name: string;
  correcting: { box: Box | null; fresh: boolean };
  onBox: (box: Box) => void;
  /** null: the label stays. */
  onCorrected: (text: string | null) => void;
  onCancelCorrect: () => void;
}) {
  const { t } = useText();
  const { fresh, box } = props.correcting;
  const { places } = props.finding;
  const [text, setText] = useState(props.finding.text ?? props.name);
  const label = useRef<HTMLInputElement>(null);
  // Letters go into the label, not to the tools or to the decisions.
  useEffect(() => label.current?.select(), []);
  return (
    <form
      className="correction"
      onSubmit={(event) => {
        event.preventDefault();
        props.onCorrected(text.trim() === props.name ? null : text.trim());
      }}
    >
      <label>
        <span className="small muted">{t('findings.label')}</span>
        <input
          ref={label}
          className="input"
          value={text}
          onChange={(event) => setText(event.target.value)}
          maxLength={200}
        />
      </label>
      {places.length > 1 && (
        <Segmented
          label={t('findings.place')}
          value={String(places.findIndex(({ box: each }) => each === box))}
          onChange={(index) => props.onBox(places[Number(index)]!.box)}
          options={places.map((_, index) => ({
            value: String(index),
            label: placeName({ ...props.finding, box: null }, index),
          }))}
        />
      )}
      <p className="muted small">
        {places.length > 1 ? t('findings.moveHintPlaces') : t('findings.moveHint')}
      </p>
      <div className="rowline">
        <button type="submit" className="btn primary">
          {fresh ? t('findings.addDone') : t('findings.keep')}
        </button>
        <button type="button" className="btn ghost" onClick={props.onCancelCorrect}>
          {t('action.cancel')}
        </button>
      </div>
    </form>
  );
}
