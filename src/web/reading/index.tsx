/** The reading page: image left, findings and report right; on a phone the panel is a sheet below the image. */
import { useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import type { Box, Finding, Mark, StudyView, WorklistPage } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dicomDate, dicomTime, duration, personName } from '../format.ts';
import { addCatalogue } from '../i18n/index.ts';
import { isTyping, patientChanged, useKeys } from '../keys.ts';
import { keys, useMe, useModels } from '../queries.ts';
import { AvatarMenu } from '../shell/AvatarMenu.tsx';
import { notify } from '../shell/notices.tsx';
import { examTitle, failureText, orCode, sexAge, sided, useText } from '../text.ts';
import { usePhone } from '../ui/Dialog.tsx';
import { PageSkeleton } from '../ui/Skeleton.tsx';
import en from './en.json' with { type: 'json' };
import { Findings } from './Findings.tsx';
import fr from './fr.json' with { type: 'json' };
import './reading.css';
import { Measures } from './Measures.tsx';
import { HeaderDrawer } from './objects/Header.tsx';
import { objectsOf, objectTitle } from './objects/list.ts';
import { OverlayPlanes, PresentationLayer, SegmentationLayer } from './objects/Overlays.tsx';
import { imagesAbout, presentationOf } from './objects/presentation.ts';
import { ResultList } from './objects/ResultList.tsx';
import { useResults, type Result } from './objects/useResults.ts';
import type { SrReference } from './objects/sr.ts';
import './objects/texts.ts';
import { ReportForm } from './Report.tsx';
import { SignDialog, SignedReport, SignFoot, blockText } from './Signing.tsx';
import { rateOf } from './stacks/cine.ts';
import { CineBar } from './stacks/CineBar.tsx';
import { EdgeLetters } from './stacks/EdgeLetters.tsx';
import { Thumbs } from './stacks/Thumbs.tsx';
import { useClipTiming, useCine } from './stacks/useCine.ts';
import { numberInStack, useStacks, type ShownImage } from './stacks/useStacks.ts';
import { usePrefetchStudy, useReading } from './useReading.ts';
import { useHeat } from './useHeat.ts';
import { warmStudy } from './warm.ts';
import { middle } from './viewer/boxes.ts';
import type { InstanceRef, Metadata } from './viewer/loading/dicomweb.ts';
import { imageIdOf, refOf } from './viewer/loading/imageId.ts';
import { StackProgress } from './viewer/loading/StackProgress.tsx';
import { boxesOf, DrawSheet, Marks } from './viewer/Marks.tsx';
import { startingPoints } from './viewer/marks/drawing.ts';
import { measured } from './viewer/marks/measured.ts';
import { StageMarks } from './viewer/marks/StageMarks.tsx';
import { useStandingMarks } from './viewer/marks/standing.ts';
import { useMarks } from './viewer/marks/useMarks.ts';
import { ToolBar, toolKeys, type ToolActs } from './viewer/Tools.tsx';
import { markToolOf, type ToolName } from './viewer/tools/bindings.ts';
import { Stage, type StageHandle, type View } from './viewer/viewport/Stage.tsx';

addCatalogue({ fr, en });

const ObjectView = lazy(() => import('./objects/ObjectView.tsx'));

export default function ReadingPage({ studyUid }: { studyUid: string }) {
  const { t } = useText();
  const reading = useReading(studyUid);
  if (reading.view.isPending) return <PageSkeleton />;
  if (reading.view.isError)
    return (
      <main className="page">
        <p role="alert">{failureText(t, reading.view.error)}</p>
        <p>
          <Link href="/" className="btn">
            <ArrowLeft size={16} aria-hidden /> {t('nav.worklist')}
          </Link>
        </p>
      </main>
    );
  return <Reading key={studyUid} studyUid={studyUid} view={reading.view.data} reading={reading} />;
}

function Reading({
  studyUid,
  view,
  reading,
}: {
  studyUid: string;
  view: StudyView;
  reading: ReturnType<typeof useReading>;
}) {
  const { t, language } = useText();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  // When the patient is on the screen, not when the page was asked for: loading may take longer than the pause.
  useEffect(() => patientChanged(), []);
  const phone = usePhone();
  const { ownPassword } = useMe().person;
  const models = useModels().data ?? [];
  const stage = useRef<StageHandle>(null);
  /** Instance and frame of the image on the stage; it stays while the order of its stack becomes known. */
  const [at, setAt] = useState<string | null>(null);
  /** Instance of a document that is read instead of an image. */
  const [documentUid, setDocumentUid] = useState<string | null>(null);
  const [header, setHeader] = useState<{ instance: InstanceRef; title: string } | null>(null);
  const [tool, setTool] = useState<ToolName>('window');
  const [inverted, setInverted] = useState(false);
  const [aiShown, setAiShown] = useState(true);
  const [heatOn, setHeatOn] = useState(false);
  const [selected, setSelected] = useState<string | null>(null);
  /** `fresh`: just drawn, so that to cancel takes it away again. */
  const [editing, setEditing] = useState<{ finding: Finding; box: Box | null; fresh: boolean } | null>(null);
  /** Frames that the reader drew before deciding otherwise: a correction taken up again begins there. */
  const drawn = useRef(new Map<string, Box>());
  const [drawing, setDrawing] = useState(false);
  const [signing, setSigning] = useState(false);
  const [templates, setTemplates] = useState(false);

  const groups = useStacks(view);
  const images = useMemo(() => groups.flatMap(({ shown }) => shown), [groups]);
  const objects = useMemo(() => objectsOf(view), [view.series]);
  const results = useResults(objects);
  const index = Math.max(
    0,
    images.findIndex((image) => keyOf(image) === at),
  );
  const setIndex = (next: number) => {
    const image = images[next];
    if (!image) return;
    setAt(keyOf(image));
    setDocumentUid(null);
  };
  const current = images[index];
  const group = groups.find(({ start, shown }) => index >= start && index < start + shown.length);
  const imageIds = useMemo(() => group?.shown.map(({ ref, frame }) => imageIdOf(ref, frame)) ?? [], [group]);
  const open =
    objects.find(({ ref }) => ref.sopInstanceUid === documentUid) ?? (current ? undefined : objects[0]);
  const timing = useClipTiming(group);
  const cine = useCine(timing, index - (group?.start ?? 0), (next) => setIndex(next + (group?.start ?? 0)));

  // A link may name what is to be seen: /read/STUDY?image=INSTANCE&frame=2.
  const search = useSearch();
  useEffect(() => {
    const asked = new URLSearchParams(search);
    const sopInstanceUid = asked.get('image');
    if (!sopInstanceUid) return;
    if (objects.some(({ ref }) => ref.sopInstanceUid === sopInstanceUid)) setDocumentUid(sopInstanceUid);
    else {
      setAt(`${sopInstanceUid}/${Number(asked.get('frame')) || 1}`);
      setDocumentUid(null);
    }
  }, [search]);
  const openerOf = ({ sopInstanceUid, frames }: SrReference) => {
    const found = images.findIndex(
      ({ instance, frame }) =>
        instance.sopInstanceUid === sopInstanceUid && (!frames.length || frames.includes(frame)),
    );
    if (found >= 0) return () => setIndex(found);
    return objects.some(({ ref }) => ref.sopInstanceUid === sopInstanceUid)
      ? () => setDocumentUid(sopInstanceUid)
      : undefined;
  };
  const openHeader = () => {
    const shown = open ?? current;
    if (shown)
      setHeader({
        instance: shown.ref,
        title: open ? objectTitle(t, open) : (current?.series.modality ?? ''),
      });
  };
  const editable =
    reading.mine && (view.state === 'reading' || view.state === 'to-read' || view.state === 'reopened');
  const sop = current?.instance.sopInstanceUid;
  const here = view.findings.filter(
    (each) => each.sopInstanceUid === sop && (each.by === 'reader' || aiShown),
  );
  const marks = useMarks(studyUid, view, editable);
  const standing = useStandingMarks(view);
  const [markSelected, setMarkSelected] = useState<string | null>(null);
  const shownNow = useRef<View | null>(null);
  const keyMarkOf = (image: Pick<Mark, 'sopInstanceUid' | 'frame'>) =>
    marks.marks.find(
      ({ kind, sopInstanceUid, frame }) =>
        kind === 'key' && sopInstanceUid === image.sopInstanceUid && frame === image.frame,
    );
  const keyMark = current && keyMarkOf({ ...current.instance, frame: current.frame });
  const keyImages = new Set(
    [...marks.marks, ...view.reports.flatMap(({ record }) => record?.marks ?? [])]
      .filter(({ kind }) => kind === 'key')
      .map((mark) => `${mark.sopInstanceUid} ${mark.frame}`),
  );
  const toggleKey = () => {
    const now = shownNow.current;
    if (!now) return;
    // While another image is on its way, the one that is seen.
    const seen = instanceOf(now.imageId);
    const present = keyMarkOf(seen);
    if (present) {
      marks.remove(present.id);
      return;
    }
    marks.put({
      id: crypto.randomUUID(),
      kind: 'key',
      ...seen,
      points: [],
      text: null,
      quantities: [],
      calibration: now.loaded.spacing.kind,
      presentation: {
        window: { centre: now.centre, width: now.width },
        inverted: now.inverted,
        ...now.turn,
      },
      at: Date.now(),
    });
    notify({ kind: 'info', text: t('marks.keyAdded') });
  };
  /** With a measuring tool, from the keyboard: the mark stands in the middle of the image and is moved with arrows. */
  const placeMark = () => {
    const kind = markToolOf(tool);
    const now = shownNow.current;
    const mark =
      kind &&
      now &&
      measured(now.imageId, kind, startingPoints(kind, now.mapping), {
        id: crypto.randomUUID(),
        text: null,
        presentation: null,
      });
    if (!mark) return;
    marks.put(mark);
    setMarkSelected(mark.id);
    requestAnimationFrame(() =>
      document.querySelector<SVGGElement>('.measure[data-selected] [role=button]')?.focus(),
    );
  };
  const acts: ToolActs = {
    invert: () => stage.current?.invert(),
    rotate: () => stage.current?.rotate(),
    flip: () => stage.current?.flip(),
    reset: () => stage.current?.reset(),
    keyImage: current ? { chosen: keyMark !== undefined, toggle: toggleKey } : null,
  };
  const indexOf = (mark: Mark) =>
    images.findIndex(
      ({ instance, frame }) => instance.sopInstanceUid === mark.sopInstanceUid && frame === mark.frame,
    );
  const showMark = (mark: Mark) => {
    setMarkSelected(mark.id);
    const at = indexOf(mark);
    if (at >= 0) setIndex(at);
  };
  const next = useNext(studyUid, editable);

  // The list is read in order: an undecided finding is the one that keys act on.
  useEffect(() => {
    if (selected && view.findings.some(({ id }) => id === selected)) return;
    const first =
      view.findings.find(({ decision, by }) => decision === null && by === 'ai') ?? view.findings[0];
    setSelected(first?.id ?? null);
  }, [view.findings, selected]);
  useEffect(() => {
    const finding = view.findings.find(({ id }) => id === selected);
    const place = finding
      ? images.findIndex(({ instance }) => instance.sopInstanceUid === finding.sopInstanceUid)
      : -1;
    if (place >= 0 && finding!.sopInstanceUid !== sop) setIndex(place);
  }, [selected]);
  const select = (id: string) => {
    // A click inside the card of the finding that is being corrected must not end its correction.
    setEditing((present) => (present?.finding.id === id ? present : null)); // a fresh one stays, named as it is
    setSelected(id);
    const finding = view.findings.find((each) => each.id === id);
    const place = images.findIndex(({ instance }) => instance.sopInstanceUid === finding?.sopInstanceUid);
    if (place >= 0) setIndex(place);
  };

  const shownRun = view.ai.find(({ run, hidden }) => run && hidden === null)?.run ?? null;
  const runImage = shownRun?.images.find(({ sopInstanceUid }) => sopInstanceUid === sop);
  const heat = useHeat(heatOn && aiShown && runImage?.heatmap ? shownRun!.id : null, sop);
  const anyAi = view.ai.some(({ hidden, status }) => hidden === null && status.state === 'analysed');

  const correct = (finding: Finding) => {
    if (!editable) return;
    setSelected(finding.id);
    const box = finding.box ?? drawn.current.get(finding.id) ?? boxesOf(finding)[0];
    const image = images.find(({ instance }) => instance.sopInstanceUid === finding.sopInstanceUid)?.instance;
    setEditing({
      finding,
      box:
        box ?? (image?.rows && image.columns ? middle({ rows: image.rows, columns: image.columns }) : null),
      fresh: false,
    });
  };
  const cancelCorrection = () => {
    if (editing?.fresh) reading.remove.mutate(editing.finding.id);
    setEditing(null);
  };
  const corrected = (text: string | null) => {
    if (!editing) return;
    if (editing.box) drawn.current.set(editing.finding.id, editing.box);
    reading.decide.mutate({
      id: editing.finding.id,
      decision: editing.finding.by === 'reader' ? 'accepted' : 'corrected',
      box: editing.box,
      text: text ?? editing.finding.text,
    });
    setEditing(null);
  };
  const decideSelected = (decision: 'accepted' | 'rejected') => {
    const finding = view.findings.find(({ id }) => id === selected);
    if (!editable || !aiShown || editing || finding?.by !== 'ai') return;
    reading.decide.mutate({ id: finding.id, decision, box: null });
    const following = view.findings.find(
      (each) => each.by === 'ai' && each.decision === null && each.id !== selected,
    );
    if (following) setSelected(following.id);
  };
  /** The first image that an object is about comes on the stage. */
  const showImageOf = ({ metadata }: Result) => {
    const about = metadata ? imagesAbout(metadata) : new Set<string>();
    if (current && !open && about.has(current.instance.sopInstanceUid)) return;
    const place = images.findIndex(({ instance }) => about.has(instance.sopInstanceUid));
    setIndex(place >= 0 ? place : index);
  };
  /** On the image that was shown under the pen, which may not be the one just asked for. */
  const addFinding = (box: Box, sopInstanceUid: string) => {
    setDrawing(false);
    const label = models[0]?.manifest.finding.label ?? 'finding';
    reading.add.mutate(
      { sopInstanceUid, label, box, text: t(`label.${label}`, { defaultValue: t('label.finding') }) },
      {
        onSuccess: (finding) => {
          setSelected(finding.id);
          setEditing({ finding, box, fresh: true });
        },
      },
    );
  };
  const step = (by: number) => setIndex(Math.min(images.length - 1, Math.max(0, index + by)));

  const blocks = view.signingBlockedBy;
  const trySign = () => {
    if (!editable) return;
    if (phone) return notify({ kind: 'info', text: t('sign.smallScreen') });
    if (!ownPassword)
      return notify({
        kind: 'info',
        text: t('errors.own-password-first'),
        action: { label: t('shell.choosePassword'), run: () => navigate('/settings/account') },
      });
    const ask = async () => {
      await reading.draft.flush();
      await marks.flush();
      const fresh = await client.fetchQuery<StudyView>({
        queryKey: keys.study(studyUid),
        queryFn: () => api<StudyView>(`/studies/${encodeURIComponent(studyUid)}`),
        staleTime: 0,
      });
      const [block] = fresh.signingBlockedBy;
      if (block) notify({ kind: 'info', text: blockText(t, block, models, language) });
      else setSigning(true);
    };
    // What failed has been told, or is told by the sign-in or the lock.
    ask().catch(() => undefined);
  };
  const signed = () => {
    setSigning(false);
    void client.invalidateQueries({ queryKey: keys.worklist });
    void client.invalidateQueries({ queryKey: keys.evidence });
    if (next) {
      notify({
        kind: 'ok',
        text: t('sign.doneNext'),
        action: { label: t('sign.back'), run: () => navigate(`/read/${studyUid}`) },
      });
      navigate(`/read/${next}`);
    } else {
      notify({ kind: 'ok', text: t('sign.done') });
      void reading.refresh();
    }
  };
  const leave = () => {
    void reading.draft.flush().catch(() => undefined);
    navigate('/');
  };

  useKeys([
    { keys: ['o'], label: t('keys.accept'), run: () => decideSelected('accepted') },
    {
      keys: ['c'],
      label: t('keys.correct'),
      run: () => {
        const finding = view.findings.find(({ id }) => id === selected);
        if (finding && (aiShown || finding.by === 'reader')) correct(finding);
      },
    },
    { keys: ['n'], label: t('keys.reject'), run: () => decideSelected('rejected') },
    { keys: ['+'], label: t('keys.add'), run: () => editable && setDrawing(true) },
    { keys: ['a'], label: t('keys.ai'), run: () => setAiShown((on) => !on) },
    { keys: ['h'], label: t('keys.heat'), run: () => setHeatOn((on) => !on) },
    ...toolKeys.map(({ tool: name, key }) => ({
      keys: [key.toLowerCase()],
      label: t(`viewer.tool.${name}`),
      run: () => setTool(name),
    })),
    ...(markToolOf(tool) ? [{ keys: ['Enter'], label: t('keys.place'), run: placeMark }] : []),
    { keys: ['k'], label: t('viewer.keyImage'), run: toggleKey },
    { keys: ['i'], label: t('viewer.invert'), run: acts.invert },
    { keys: ['y'], label: t('viewer.rotate'), run: acts.rotate },
    { keys: ['j'], label: t('viewer.flip'), run: acts.flip },
    { keys: ['r', 'f'], label: t('viewer.reset'), run: acts.reset },
    { keys: ['v'], label: t('viewer.nextWindow'), run: () => stage.current?.nextWindow() },
    {
      keys: ['x', 'Delete'],
      label: t('marks.remove'),
      run: () => {
        if (!markSelected) return;
        marks.remove(markSelected);
        setMarkSelected(null);
      },
    },
    {
      keys: ['Ctrl+z'],
      label: t('marks.undo'),
      outsideText: true,
      run: ({ shiftKey }) => (shiftKey ? marks.redo() : marks.undo()),
    },
    { keys: ['Ctrl+y'], label: t('marks.redo'), outsideText: true, run: marks.redo },
    // A document that is read scrolls by them.
    ...(open
      ? []
      : [
          { keys: ['ArrowRight', 'ArrowDown'], label: t('keys.nextImage'), run: () => step(1) },
          { keys: ['ArrowLeft', 'ArrowUp'], label: t('keys.previousImage'), run: () => step(-1) },
        ]),
    { keys: [','], label: t('keys.header'), run: openHeader },
    ...(timing && !open
      ? [
          { keys: [' '], label: t('keys.play'), run: cine.toggle },
          { keys: ['['], label: t('cine.loopFrom'), run: () => cine.setEnd('first') },
          { keys: [']'], label: t('cine.loopTo'), run: () => cine.setEnd('last') },
          { keys: ['>'], label: t('cine.faster'), run: () => cine.faster(1) },
          { keys: ['<'], label: t('cine.slower'), run: () => cine.faster(-1) },
        ]
      : []),
    { keys: ['Ctrl+m'], label: t('keys.template'), run: () => editable && setTemplates(true) },
    { keys: ['Ctrl+Enter'], label: t('keys.sign'), run: trySign },
    {
      keys: ['Escape'],
      label: t('keys.leave'),
      run: ({ target }) => {
        if (drawing) setDrawing(false);
        else if (editing) cancelCorrection();
        else if (markSelected) setMarkSelected(null);
        // Out of a text field first: Escape while writing must not leave the study.
        else if (isTyping(target)) (target as HTMLElement).blur();
        else if (open && current) setDocumentUid(null);
        else leave();
      },
    },
  ]);

  const { study } = view;
  const title = sided(t, study);
  const when = [dicomDate(study.studyDate, language), dicomTime(study.studyTime)].filter(Boolean).join(' ');
  return (
    <div className="reading">
      <header className="top">
        <button type="button" className="btn ghost icon" aria-label={t('nav.worklist')} onClick={leave}>
          <ArrowLeft size={18} aria-hidden />
        </button>
        <h1 className="who">
          <bdi>{personName(study.patientName) || t('patient.unnamed')}</bdi>
          <span className="muted num">
            {[sexAge(t, study), dicomDate(study.birthDate, language), study.patientId]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </h1>
        <div className="grow" />
        <span className="what muted">{[title, when, study.department].filter(Boolean).join(' · ')}</span>
        {study.priority !== 'ROUTINE' && view.state !== 'signed' && (
          <span className={`chip ${study.priority === 'STAT' ? 'stop' : 'warn'}`}>
            <span>
              {t(`priority.${study.priority}`)} · {duration(Date.now() - study.firstReceivedAt, language)}
            </span>
          </span>
        )}
        {!phone && <AvatarMenu />}
      </header>
      <div className="body">
        <nav className="thumbs" aria-label={t('viewer.images')}>
          <Thumbs
            groups={groups}
            keyImages={keyImages}
            objects={objects}
            index={open ? null : index}
            document={open?.ref.sopInstanceUid ?? null}
            onIndex={setIndex}
            onDocument={setDocumentUid}
          />
          {view.priors.length > 0 && <span className="priors-label faint small">{t('viewer.priors')}</span>}
          {view.priors.map((prior) => (
            <Link key={prior.studyUid} href={`/read/${prior.studyUid}`} className="prior small">
              {dicomDate(prior.studyDate, language) || examTitle(t, prior)}
            </Link>
          ))}
        </nav>
        <div className="light">
          {images.length === 0 && !open && <p className="stage-note">{t('viewer.noImages')}</p>}
          {open && (
            <Suspense fallback={null}>
              <ObjectView
                key={open.ref.sopInstanceUid}
                instance={open.ref}
                kind={open.kind}
                title={objectTitle(t, open)}
                openerOf={openerOf}
                refOf={(uid) => [...images, ...objects].find(({ ref }) => ref.sopInstanceUid === uid)?.ref}
              />
            </Suspense>
          )}
          {group && !open && (
            <Stage
              ref={stage}
              imageIds={imageIds}
              index={index - group.start}
              onIndex={(next) => setIndex(group.start + next)}
              tool={tool}
            >
              {(now) => (
                <>
                  <Shown
                    now={now}
                    onChange={(seen) => {
                      shownNow.current = seen;
                      if (seen) setInverted(seen.inverted);
                    }}
                  />
                  <StageMarks
                    key={now.imageId}
                    now={now}
                    marks={marks}
                    standing={standing}
                    tool={drawing ? null : markToolOf(tool)}
                    selected={markSelected}
                    onSelect={setMarkSelected}
                  />
                  <Marks
                    mapping={now.mapping}
                    findings={shows(now, sop) ? here : []}
                    selected={selected}
                    onSelect={select}
                    heat={shows(now, sop) ? heat : null}
                    editing={editing && shows(now, editing.finding.sopInstanceUid) ? editing.box : null}
                    onEdit={(box) => setEditing((present) => present && { ...present, box })}
                  />
                  <Corners
                    now={now}
                    view={view}
                    index={Math.max(0, imageIds.indexOf(now.imageId))}
                    count={imageIds.length}
                    current={group.shown[imageIds.indexOf(now.imageId)] ?? current!}
                  />
                  <EdgeLetters now={now} />
                  <OverlayPlanes now={now} />
                  {results.segmentations.map((shown) => (
                    <SegmentationLayer key={shown.ref.sopInstanceUid} now={now} shown={shown} />
                  ))}
                  <PresentationLayer now={now} metadata={results.presentation?.metadata ?? null} />
                  <Applied now={now} metadata={results.presentation?.metadata ?? null} stage={stage} />
                  {drawing && (
                    <DrawSheet
                      key={now.imageId}
                      mapping={now.mapping}
                      onBox={(box) => addFinding(box, refOf(now.imageId).sopInstanceUid)}
                      onCancel={() => setDrawing(false)}
                    />
                  )}
                </>
              )}
            </Stage>
          )}
          {group && !open && <StackProgress imageIds={imageIds} index={index - group.start} />}
          {timing && group && !open && (
            <CineBar
              count={group.shown.length}
              index={index - group.start}
              playing={cine.playing}
              speed={cine.speed}
              range={cine.range}
              rate={timing.source === 'default' ? null : rateOf(timing)}
              onIndex={(next) => {
                cine.pause();
                setIndex(group.start + next);
              }}
              onToggle={cine.toggle}
              onSpeed={cine.setSpeed}
              onEnd={cine.setEnd}
            />
          )}
          {!open && (
            <ToolBar
              tool={tool}
              onTool={setTool}
              scrolls={imageIds.length > 1}
              inverted={inverted}
              acts={acts}
              ai={
                anyAi
                  ? {
                      shown: aiShown,
                      onToggle: () => setAiShown((on) => !on),
                      heat: runImage?.heatmap ? heatOn && aiShown : null,
                      onHeat: () => setHeatOn((on) => !on),
                    }
                  : null
              }
            />
          )}
        </div>
        <aside className="panel" aria-label={t('panel.label')}>
          <span className="grab" aria-hidden />
          <div className="scroll" tabIndex={-1}>
            {view.state === 'reopened' && (
              <p className="banner warn" role="status">
                {t('banner.reopened')}
              </p>
            )}
            {view.claim && !view.claim.mine && (
              <p className="banner" role="status">
                {t('state.claimedBy', { name: view.claim.name })}
              </p>
            )}
            {!reading.isReader && view.state !== 'signed' && <p className="banner">{t('state.notReader')}</p>}
            <Findings
              view={view}
              reading={reading}
              models={models}
              editable={editable}
              aiShown={aiShown}
              selected={selected}
              onSelect={select}
              correcting={editing}
              onBox={(box) => setEditing((present) => present && { ...present, box })}
              onCorrect={correct}
              onCorrected={corrected}
              onCancelCorrect={cancelCorrection}
              onAdd={() => setDrawing(true)}
              onOpinion={(opinion) => {
                // Hidden by a key before, perhaps: now it is asked for.
                setAiShown(true);
                reading.opinion.mutate(opinion);
              }}
            />
            <Measures
              marks={marks}
              placeOf={(mark) => numberInStack(groups, indexOf(mark))}
              selected={markSelected}
              onSelect={showMark}
              report={
                editable && reading.draft.fields
                  ? {
                      text: reading.draft.fields.findings,
                      language: reading.draft.fields.language,
                      onText: (findings) => reading.draft.change({ findings }),
                    }
                  : null
              }
            />
            <ResultList
              view={view}
              models={models}
              results={results}
              onOpen={({ ref }) => setDocumentUid(ref.sopInstanceUid)}
              onShow={showImageOf}
            />
            {view.reports.map((report) => (
              <SignedReport
                key={report.id}
                report={report}
                study={study}
                models={models}
                mayAdd={reading.isReader && !phone}
                onChanged={() => void reading.refresh()}
              />
            ))}
            {view.state !== 'signed' && reading.isReader && (
              <ReportForm
                view={view}
                models={models}
                draft={reading.draft}
                editable={editable}
                templatesOpen={templates}
                onTemplates={setTemplates}
              />
            )}
          </div>
          {view.state !== 'signed' && reading.isReader && (
            <SignFoot view={view} models={models} blocks={blocks} screenTooSmall={phone} onSign={trySign} />
          )}
        </aside>
      </div>
      <HeaderDrawer
        instance={header?.instance ?? null}
        title={header?.title ?? ''}
        onClose={() => setHeader(null)}
      />
      {signing && (
        <SignDialog
          opened
          onClose={() => setSigning(false)}
          studyUid={studyUid}
          who={`${personName(study.patientName)} · ${sided(t, study)}`}
          draft={reading.draft}
          view={view}
          models={models}
          onSigned={signed}
        />
      )}
    </div>
  );
}

const keyOf = ({ instance, frame }: ShownImage): string => `${instance.sopInstanceUid}/${frame}`;

/** Whether the stage shows this instance; while another loads it still shows the one before. */
const shows = (now: View, sopInstanceUid: string | undefined): boolean =>
  refOf(now.imageId).sopInstanceUid === sopInstanceUid;

/** Tells the page what the stage shows, after the stage has drawn it; null once it shows it no more. */
function Shown({ now, onChange }: { now: View; onChange: (now: View | null) => void }) {
  useEffect(() => {
    onChange(now);
    return () => onChange(null);
  }, [now]);
  return null;
}

const instanceOf = (imageId: string) => {
  const { sopInstanceUid, frame } = refOf(imageId);
  return { sopInstanceUid, frame };
};

/** Does with the stage what a presentation state asks for, whenever another image comes; and takes it back when it ends. */
function Applied({
  now,
  metadata,
  stage,
}: {
  now: View;
  metadata: Metadata | null;
  stage: RefObject<StageHandle | null>;
}) {
  const applied = useRef(false);
  useEffect(() => {
    const { sopInstanceUid, frame } = refOf(now.imageId);
    const state = metadata ? presentationOf(metadata, sopInstanceUid, frame) : undefined;
    if (state) stage.current?.present(state);
    else if (applied.current) stage.current?.reset();
    applied.current = state !== undefined;
  }, [now.imageId, metadata]);
  return null;
}

function Corners({
  now,
  view,
  index,
  count,
  current,
}: {
  now: View;
  view: StudyView;
  index: number;
  count: number;
  current: ShownImage;
}) {
  const { t, language } = useText();
  const { spacing } = now.loaded;
  const place = [
    examTitle(t, view.study),
    orCode(t, 'viewPosition', current.instance.viewPosition),
    current.instance.laterality ? orCode(t, 'laterality', current.instance.laterality) : '',
  ]
    .filter(Boolean)
    .join(' · ');
  const round = (value: number) =>
    new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
  const zoom = new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(now.mapping.scale);
  return (
    <>
      <div className="corner tl">
        {place}
        <br />
        {current.series.modality} · {index + 1}/{count}
      </div>
      <div className="corner tr num">
        {t('viewer.window', { width: round(now.width), centre: round(now.centre) })}
        <br />× {zoom}
      </div>
      <div className="corner bl">
        {t(`viewer.spacing.${spacing.kind}`)}
        {current.instance.photo && (
          <>
            <br />
            {t('viewer.photo')}
          </>
        )}
      </div>
    </>
  );
}

/** The study that is read next: asked for, with its first images, while this one is read. */
function useNext(studyUid: string, active: boolean): string | null {
  const ask = usePrefetchStudy();
  const [next, setNext] = useState<string | null>(null);
  useEffect(() => {
    if (!active) return;
    let gone = false;
    const timer = setTimeout(async () => {
      try {
        const page = await api<WorklistPage>('/worklist?list=to-read&limit=10', { quiet: true });
        // A reopened exam waits for the one who signed it.
        const row = page.rows.find(
          ({ study, state, claimedBy }) => study.studyUid !== studyUid && state !== 'reopened' && !claimedBy,
        );
        if (gone) return;
        setNext(row?.study.studyUid ?? null);
        if (!row) return;
        const view = await ask(row.study.studyUid);
        if (!gone) warmStudy(view, 4);
      } catch {
        // The next study is a convenience; the list stays.
      }
    }, 800);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [studyUid, active, ask]);
  return next;
}
