/** One case at a time: the tool's question, three answers, frames for a yes, and the next case. Nothing of the tool's verdict. */
import { ArrowLeft, Check, Plus, Trash2, Undo2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { Answer, CaseToLabel, Desk } from '../../doors/api/contract.ts';
import { addCatalogue } from '../i18n/index.ts';
import { patientChanged, useKeys } from '../keys.ts';
import { useModels } from '../queries.ts';
import readingEn from '../reading/en.json' with { type: 'json' };
import readingFr from '../reading/fr.json' with { type: 'json' };
import '../reading/objects/texts.ts';
import '../reading/reading.css';
import { bodyPart, failureText, orCode, useText } from '../text.ts';
import { PageSkeleton } from '../ui/Skeleton.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './label.css';
import { letterOf, Light, type Drawn } from './Light.tsx';
import { useDesk } from './useDesk.ts';

addCatalogue({ fr: { ...readingFr, ...fr }, en: { ...readingEn, ...en } });

const ANSWERS: readonly { answer: Answer; key: string }[] = [
  { answer: 'yes', key: 'O' },
  { answer: 'no', key: 'N' },
  { answer: 'uncertain', key: 'U' },
];

export default function LabelPage({ queueId }: { queueId: string }) {
  const { t, say } = useText();
  const [, navigate] = useLocation();
  const { desk, failure, busy, retry, answer, undo } = useDesk(queueId);
  const models = useModels().data ?? [];
  const leave = () => navigate('/evidence');
  useKeys([
    { keys: ['Ctrl+z'], label: t('label.undo'), outsideText: true, run: undo },
    { keys: ['Escape'], label: t('label.pause'), run: leave },
  ]);
  if (!desk && failure !== null)
    return (
      <main className="page">
        <p role="alert">{failureText(t, failure)}</p>
        <p>
          <button type="button" className="btn" onClick={retry}>
            {t('label.again')}
          </button>{' '}
          <Link href="/evidence" className="btn ghost">
            <ArrowLeft size={16} aria-hidden /> {t('nav.evidence')}
          </Link>
        </p>
      </main>
    );
  if (!desk) return <PageSkeleton />;
  const manifest = models.find(({ manifest: { id } }) => id === desk.queue.modelId)?.manifest;
  const { question } = manifest ?? {};
  return (
    <div className="reading labelling">
      <header className="top">
        <button type="button" className="btn ghost icon" aria-label={t('label.pause')} onClick={leave}>
          <ArrowLeft size={18} aria-hidden />
        </button>
        <h1 className="who">
          <bdi>{desk.queue.title}</bdi>
        </h1>
        <div className="grow" />
        <span className="muted num" role="status">
          {t('label.progress', { given: desk.queue.given, left: desk.queue.left })}
        </span>
        <button
          type="button"
          className="btn ghost"
          aria-label={t('label.undo')}
          disabled={!desk.undo || busy}
          onClick={undo}
        >
          <Undo2 size={16} aria-hidden /> <span className="label-undo">{t('label.undo')}</span>
        </button>
      </header>
      {desk.case ? (
        <Case
          key={`${desk.case.study.studyUid} ${desk.case.kind}`}
          of={desk.case}
          busy={busy}
          question={question ? say(question.text) : t('label.question')}
          answers={(each) => (question ? say(question.answers[each]) : t(`label.answer.${each}`))}
          onAnswer={answer}
        />
      ) : (
        <Done desk={desk} busy={busy} onAgain={retry} />
      )}
    </div>
  );
}

function Done({ desk, busy, onAgain }: { desk: Desk; busy: boolean; onAgain: () => void }) {
  const { t } = useText();
  if (busy) return <PageSkeleton />;
  return (
    <main className="page label-done">
      <h2>{desk.queue.closed ? t('label.closed') : t('label.done')}</h2>
      <p className="muted">{desk.queue.closed ? t('label.closedText') : t('label.doneText')}</p>
      <p className="rowline">
        <Link href="/evidence" className="btn primary">
          {t('label.toEvidence')}
        </Link>
        {!desk.queue.closed && (
          <button type="button" className="btn ghost" onClick={onAgain}>
            {t('label.look')}
          </button>
        )}
      </p>
    </main>
  );
}

let made = 0;

function Case(props: {
  of: CaseToLabel;
  busy: boolean;
  question: string;
  answers: (answer: Answer) => string;
  onAnswer: (of: CaseToLabel, answer: Answer, boxes: { sopInstanceUid: string; box: Drawn['box'] }[]) => void;
}) {
  const { t } = useText();
  const { of, busy } = props;
  const [yes, setYes] = useState(false);
  const [boxes, setBoxes] = useState<Drawn[]>([]);
  const [selected, setSelected] = useState<string | null>(null);
  const [drawing, setDrawing] = useState(false);
  // So that no key meant for one patient lands on the next.
  useEffect(() => patientChanged(), []);

  const send = (answer: Answer) => {
    if (busy) return;
    props.onAnswer(
      of,
      answer,
      answer === 'yes' ? boxes.map(({ sopInstanceUid, box }) => ({ sopInstanceUid, box })) : [],
    );
  };
  const choose = (answer: Answer) => {
    if (answer !== 'yes') return send(answer);
    if (yes) return send('yes');
    setYes(true);
    setDrawing(true);
  };
  const remove = (id: string) => {
    setBoxes((present) => present.filter((each) => each.id !== id));
    setSelected(null);
  };
  useKeys([
    ...ANSWERS.map(({ answer, key }, i) => ({
      keys: [key.toLowerCase(), String(i + 1)],
      label: props.answers(answer),
      run: () => choose(answer),
    })),
    ...(yes
      ? [
          { keys: ['Enter'], label: t('label.next'), run: () => send('yes') },
          { keys: ['+'], label: t('label.draw'), run: () => setDrawing(true) },
          {
            keys: ['x', 'Delete'],
            label: t('label.remove'),
            run: () => selected && remove(selected),
          },
          {
            keys: ['Escape'],
            label: t('label.back'),
            run: () => {
              if (drawing) setDrawing(false);
              else if (selected) setSelected(null);
              else {
                setYes(false);
                setBoxes([]);
              }
            },
          },
        ]
      : []),
  ]);
  const who = [
    of.study.sex ? orCode(t, 'sex', of.study.sex) : '',
    of.study.ageYears === null ? '' : t('age.years', { count: of.study.ageYears }),
    of.study.bodyParts.map((term) => bodyPart(t, term)).join(', '),
    of.study.laterality ? orCode(t, 'laterality', of.study.laterality) : '',
  ].filter(Boolean);
  return (
    <div className="body">
      <Light
        of={of}
        boxes={boxes}
        selected={selected}
        drawing={drawing}
        onSelect={setSelected}
        onAdd={(box) => {
          const id = `box ${++made}`;
          setBoxes((present) => [...present, { ...box, id }]);
          setSelected(id);
          setDrawing(false);
        }}
        onChange={(id, box) =>
          setBoxes((present) => present.map((each) => (each.id === id ? { ...each, box } : each)))
        }
        onDrawing={setDrawing}
      />
      <aside className="panel" aria-label={t('label.panel')}>
        <span className="grab" aria-hidden />
        <div className="scroll" tabIndex={-1}>
          <section className="sec">
            <p className="muted">{who.join(' · ')}</p>
            <h2 className="label-question">{props.question}</h2>
            {of.readings.length > 0 && (
              <div className="label-readings">
                <p>{t(of.kind === 'consensus' ? 'label.consensus' : 'label.settle')}</p>
                <ul>
                  {of.readings.map(({ answer, boxes: theirs }, i) => (
                    <li key={i}>
                      <b>{t('label.reader', { letter: letterOf(i) })}</b> {props.answers(answer)}
                      {theirs.length > 0 && (
                        <span className="muted"> · {t('label.boxes', { count: theirs.length })}</span>
                      )}
                    </li>
                  ))}
                </ul>
              </div>
            )}
            <div className="label-answers" role="group" aria-label={props.question}>
              {ANSWERS.map(({ answer, key }) => (
                <button
                  key={answer}
                  type="button"
                  className="btn"
                  aria-pressed={answer === 'yes' ? yes : undefined}
                  aria-keyshortcuts={key}
                  // Not by `disabled`: the focus would be lost with each case.
                  aria-disabled={busy || undefined}
                  onClick={() => choose(answer)}
                >
                  {props.answers(answer)} <kbd>{key}</kbd>
                </button>
              ))}
            </div>
            {yes && (
              <div className="label-boxes">
                <p className="muted small">{t('label.where')}</p>
                <ul>
                  {boxes.map((each, i) => (
                    <li key={each.id} data-selected={each.id === selected || undefined}>
                      <button type="button" className="btn ghost" onClick={() => setSelected(each.id)}>
                        {t('label.box', { number: i + 1 })}
                      </button>
                      <button
                        type="button"
                        className="btn ghost icon"
                        aria-label={t('label.removeBox', { number: i + 1 })}
                        onClick={() => remove(each.id)}
                      >
                        <Trash2 size={16} aria-hidden />
                      </button>
                    </li>
                  ))}
                </ul>
                <button
                  type="button"
                  className="btn ghost"
                  aria-pressed={drawing}
                  onClick={() => setDrawing((on) => !on)}
                >
                  <Plus size={16} aria-hidden /> {t('label.draw')} <kbd>+</kbd>
                </button>
              </div>
            )}
          </section>
        </div>
        {yes && (
          <div className="foot">
            <button type="button" className="btn primary tall" disabled={busy} onClick={() => send('yes')}>
              <Check size={16} aria-hidden /> {t('label.next')} <kbd>{t('label.enter')}</kbd>
            </button>
          </div>
        )}
      </aside>
    </div>
  );
}
