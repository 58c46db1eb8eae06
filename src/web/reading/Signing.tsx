/** The foot of the panel: why signing is not possible yet, or the signature; and what was signed. */
import { useMutation } from '@tanstack/react-query';
import { FileText, Lock, TriangleAlert } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import type { TFunction } from 'i18next';
import type { ModelView, Report, SigningBlock, StudyView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, dicomDate, personName } from '../format.ts';
import { failureText, useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Check, TextArea } from '../ui/fields.tsx';
import { SecretField } from '../ui/SecretField.tsx';
import { Contradictions, useTemplates } from './Report.tsx';
import { contradictionsOf } from './templates.ts';
import type { ReadingState } from './useReading.ts';

export function blockText(
  t: TFunction,
  block: SigningBlock,
  models: readonly ModelView[],
  language: 'fr' | 'en',
): string {
  switch (block.code) {
    case 'undecided-findings':
      return t('sign.block.undecided-findings', {
        count: block.numbers.length,
        numbers: block.numbers.join(', '),
      });
    case 'claimed-by-other':
      return t('sign.block.claimed-by-other', { name: block.name });
    case 'question-unanswered':
    case 'opinion-missing': {
      const model = models.find(({ manifest }) => manifest.id === block.modelId)?.manifest;
      return t(`sign.block.${block.code}`, {
        question: model?.question?.text[language] ?? block.modelId,
        name: model?.name[language] ?? block.modelId,
      });
    }
    default:
      return t(`sign.block.${block.code}`);
  }
}

export function SignFoot(props: {
  view: StudyView;
  models: readonly ModelView[];
  blocks: readonly SigningBlock[];
  /** A screen that nobody checked for it (a phone) gives no signature. */
  screenTooSmall: boolean;
  onSign: () => void;
}) {
  const { t, language } = useText();
  const [first] = props.blocks;
  const why = props.screenTooSmall
    ? t('sign.smallScreen')
    : first
      ? blockText(t, first, props.models, language)
      : t('sign.proposes');
  const possible = !first && !props.screenTooSmall;
  return (
    <footer className="foot">
      <p className="muted small" id="why-not" aria-live="polite">
        {why}
      </p>
      <button
        type="button"
        className="btn primary tall"
        aria-disabled={!possible}
        aria-describedby="why-not"
        onClick={() => possible && props.onSign()}
      >
        {t('sign.sign')} <kbd>Ctrl ⏎</kbd>
      </button>
    </footer>
  );
}

export function SignDialog(props: {
  opened: boolean;
  onClose: () => void;
  studyUid: string;
  who: string;
  draft: ReadingState['draft'];
  view: StudyView;
  models: readonly ModelView[];
  onSigned: (report: Report) => void;
}) {
  const { t } = useText();
  const [secret, setSecret] = useState('');
  const [checked, setChecked] = useState(false);
  const { fields } = props.draft;
  const templates = useTemplates(fields?.language, true);
  const contradictions = fields ? contradictionsOf(fields, props.view.findings, props.models, templates) : [];
  const sign = useMutation({
    mutationFn: async () => {
      const revision = await props.draft.flush();
      return api<Report>(`/studies/${encodeURIComponent(props.studyUid)}/sign`, {
        method: 'POST',
        body: { revision, secret },
        quiet: true,
      });
    },
    onSuccess: props.onSigned,
    onSettled: () => setSecret(''),
  });
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={t('sign.title')} width={420}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          sign.mutate();
        }}
      >
        <p>
          <b>
            <bdi>{props.who}</bdi>
          </b>
        </p>
        <Summary {...props} />
        {contradictions.length > 0 && (
          <div className="callout warn">
            <TriangleAlert size={18} aria-hidden />
            <div className="stack" role="alert">
              <Contradictions found={contradictions} models={props.models} />
              <Check
                label={t('sign.checked')}
                checked={checked}
                onChange={(event) => setChecked(event.target.checked)}
              />
            </div>
          </div>
        )}
        <p className="muted small">{t('sign.text')}</p>
        <SecretField
          value={secret}
          onChange={setSecret}
          error={sign.error ? failureText(t, sign.error) : undefined}
          autoFocus
        />
        <div className="rowline">
          <button
            type="submit"
            className="btn primary"
            disabled={!secret || sign.isPending || (contradictions.length > 0 && !checked)}
          >
            {sign.isPending ? t('sign.signing') : t('sign.sign')}
          </button>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.cancel')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is about to be signed, in a glance. */
function Summary({ view, models, draft }: Parameters<typeof SignDialog>[0]) {
  const { t, language, say } = useText();
  const { fields } = draft;
  if (!fields) return null;
  const accepted = view.findings.filter(
    ({ by, decision }) => by === 'reader' || decision === 'accepted' || decision === 'corrected',
  );
  const answers = models.flatMap(({ manifest }) => {
    const answer = fields.answers[manifest.id];
    return manifest.question && answer ? [{ question: manifest.question, answer }] : [];
  });
  return (
    <div className="summary">
      <p dir="auto">{fields.conclusion}</p>
      {answers.map(({ question, answer }) => (
        <p key={question.id} className="small">
          {say(question.text)} <b>{question.answers[answer][language]}</b>
        </p>
      ))}
      <p className="small muted">{t('sign.findings', { count: accepted.length })}</p>
    </div>
  );
}

/** Few reports are followed up: its code comes when it is asked for. */
const FollowUp = lazy(async () => ({
  default: (await import('../evidence/reference/FollowUp.tsx')).FollowUp,
}));

const SHOWN = ['indication', 'justification', 'technique', 'findings', 'conclusion', 'dose'] as const;

export function SignedReport(props: {
  report: Report;
  study: StudyView['study'];
  models: readonly ModelView[];
  mayAdd: boolean;
  onChanged: () => void;
}) {
  const { t, language, say } = useText();
  const { report, study } = props;
  const [adding, setAdding] = useState(false);
  const [following, setFollowing] = useState(false);
  /** The tool whose question the report answers: what became of the patient is entered for it. */
  const asked = props.models.find(({ manifest }) => manifest.question && report.fields.answers[manifest.id]);
  // The signed report keeps the identity that was signed: whoever sees another one on the screen has to know.
  const { identity } = report;
  const changed = [
    ...(identity.patientName === study.patientName ? [] : [personName(identity.patientName)]),
    ...(identity.patientId === study.patientId ? [] : [identity.patientId]),
    ...(identity.birthDate === study.birthDate ? [] : [dicomDate(identity.birthDate, language)]),
  ].map((text) => text || '–');
  return (
    <section className="sec signed-report" aria-label={t('signed.title')}>
      <h2>
        <span className="rowline">
          <Lock size={14} aria-hidden /> {t('signed.title')}
          {report.version > 1 && ` · ${t('signed.version', { version: report.version })}`}
        </span>
        <span className="saved">{dateTime(report.signedAt, language)}</span>
      </h2>
      <p className="muted small">{t('signed.by', { name: report.readerName })}</p>
      {changed.length > 0 && (
        <p className="banner warn" role="status">
          {t('signed.identityChanged', { signed: changed.join(', ') })}
        </p>
      )}
      <dl className="texts">
        {SHOWN.filter((name) => report.fields[name]).map((name) => (
          <div key={name}>
            <dt>{t(`report.${name}`)}</dt>
            <dd dir="auto">{report.fields[name]}</dd>
          </div>
        ))}
        {props.models.flatMap(({ manifest }) => {
          const answer = report.fields.answers[manifest.id];
          return manifest.question && answer ? (
            <div key={manifest.id}>
              <dt>{say(manifest.question.text)}</dt>
              <dd>{say(manifest.question.answers[answer])}</dd>
            </div>
          ) : (
            []
          );
        })}
        {report.addenda.map((addendum) => (
          <div key={addendum.id} className="addendum">
            <dt>
              {t('signed.addendum')} · {addendum.readerName} · {dateTime(addendum.signedAt, language)}
            </dt>
            <dd dir="auto">{addendum.text}</dd>
          </div>
        ))}
      </dl>
      <div className="rowline">
        <a
          className="btn"
          href={`/api/reports/${encodeURIComponent(report.id)}/pdf`}
          target="_blank"
          rel="noreferrer"
        >
          <FileText size={15} aria-hidden /> PDF
        </a>
        {props.mayAdd && (
          <button type="button" className="btn ghost" onClick={() => setAdding(true)}>
            {t('signed.add')}
          </button>
        )}
        {props.mayAdd && asked && (
          <button type="button" className="btn ghost" onClick={() => setFollowing(true)}>
            {t('signed.followUp')}
          </button>
        )}
      </div>
      {following && asked && (
        <Suspense>
          <FollowUp
            studyUid={report.studyUid}
            modelId={asked.manifest.id}
            question={say(asked.manifest.question!.text)}
            onClose={() => setFollowing(false)}
          />
        </Suspense>
      )}
      {adding && (
        <AddendumDialog
          report={report}
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            props.onChanged();
          }}
        />
      )}
    </section>
  );
}

function AddendumDialog({
  report,
  onClose,
  onDone,
}: {
  report: Report;
  onClose: () => void;
  onDone: () => void;
}) {
  const { t } = useText();
  const [text, setText] = useState('');
  const [secret, setSecret] = useState('');
  const send = useMutation({
    mutationFn: () =>
      api<Report>(`/reports/${encodeURIComponent(report.id)}/addenda`, {
        method: 'POST',
        body: { text, secret },
        quiet: true,
      }),
    onSuccess: onDone,
  });
  // A slip of the Escape key must not cost the text: a second one closes.
  const [warned, setWarned] = useState(false);
  const close = () => {
    if (text.trim() === '' || warned) onClose();
    else setWarned(true);
  };
  return (
    <Dialog opened onClose={close} title={t('signed.add')}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          send.mutate();
        }}
      >
        <p className="muted small">{t('signed.addText')}</p>
        <TextArea
          label={t('signed.addendum')}
          value={text}
          rows={5}
          onChange={(event) => {
            setText(event.target.value);
            setWarned(false);
          }}
          data-autofocus
          required
        />
        {warned && (
          <p className="small todo" role="alert">
            {t('signed.closeLoses')}
          </p>
        )}
        <SecretField
          value={secret}
          onChange={setSecret}
          error={send.error ? failureText(t, send.error) : undefined}
        />
        <div className="rowline">
          <button type="submit" className="btn primary" disabled={!text.trim() || !secret || send.isPending}>
            {t('signed.signAddendum')}
          </button>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('action.cancel')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
