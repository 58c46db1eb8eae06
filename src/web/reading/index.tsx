/** The reading page: image left, findings and report right; on a phone the panel is a sheet below the image. */
import { useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import type { Box, Finding, Mark, StudyView, WorklistPage } from '../../doors/api/contract.ts';
import { valueUnitOf } from '../../measure/calibration.ts';
import { api } from '../api.ts';
import { dicomDate, dicomTime, duration, personName } from '../format.ts';
import { addCatalogue } from '../i18n/index.ts';
import { isTyping, patientChanged, useKeys } from '../keys.ts';
import { keys, useMe, useModels } from '../queries.ts';
import { AvatarMenu } from '../shell/AvatarMenu.tsx';
import { notify } from '../shell/notices.tsx';
import { examTitle, failureText, sexAge, sided, useText } from '../text.ts';
import { usePhone } from '../ui/Dialog.tsx';
import { PageSkeleton } from '../ui/Skeleton.tsx';
import en from './en.json' with { type: 'json' };
import { Findings } from './Findings.tsx';
import fr from './fr.json' with { type: 'json' };
import './reading.css';
import { Measures } from './Measures.tsx';
import { HeaderDrawer } from './objects/Header.tsx';
import { objectsOf, objectTitle } from './objects/list.ts';
import { PresentationLayer, SegmentationLayer } from './objects/Overlays.tsx';
import { imagesAbout, presentationOf } from './objects/presentation.ts';
import { ResultList } from './objects/ResultList.tsx';
import { useResults, type Result } from './objects/useResults.ts';
import type { SrReference } from './objects/sr.ts';
import './objects/texts.ts';
import { ReportForm } from './Report.tsx';
import { SignDialog, SignedReport, SignFoot, blockText } from './Signing.tsx';
import { rateOf } from './stacks/cine.ts';
import { CineBar } from './stacks/CineBar.tsx';
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
import { LAYOUTS } from './viewer/layout/choice.ts';
import { Corners } from './viewer/layout/Corners.tsx';
import { Pane, priorName } from './viewer/layout/Pane.tsx';
import { usePanes } from './viewer/layout/usePanes.ts';
import type { Window } from './viewer/loading/voi.ts';
import { startingPoints } from './viewer/marks/drawing.ts';
import { measured } from './viewer/marks/measured.ts';
import { StageMarks } from './viewer/marks/StageMarks.tsx';
import { useStandingMarks } from './viewer/marks/standing.ts';
import { useMarks } from './viewer/marks/useMarks.ts';
import { ToolBar, toolKeys, type ToolActs, type WindowChoice } from './viewer/Tools.tsx';
import { capture } from './viewer/tools/capture.ts';
import { useLongPress } from './viewer/tools/longPress.ts';
import { presetsFor } from './viewer/tools/presets.ts';
import { pxPerMm } from './viewer/tools/screen.ts';
import { ScreenSize } from './viewer/tools/ScreenSize.tsx';
import { markToolOf, type ToolName } from './viewer/tools/bindings.ts';
import type { StageHandle, View } from './viewer/viewport/Stage.tsx';

addCatalogue({ fr, en });

const ObjectView = lazy(() => import('./objects/ObjectView.tsx'));

/** In the address of a window that shows the images alone. */
const SECOND = 'second';

export default function ReadingPage({ studyUid }: { studyUid: string }) {
  const { t } = useText();
  const second = new URLSearchParams(useSearch()).has(SECOND);
  const reading = useReading(studyUid, !second);
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
  return (
    <Reading key={studyUid} studyUid={studyUid} view={reading.view.data} reading={reading} second={second} />
  );
}

function Reading({
  studyUid,
  view,
  reading,
  second,
}: {
  studyUid: string;
  view: StudyView;
  reading: ReturnType<typeof useReading>;
  /** Images alone, on another screen. */
  second: boolean;
}) {
  const { t, language } = useText();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  // When the patient is on the screen, not when the page was asked for: loading may take longer than the pause.
  useEffect(() => patientChanged(), []);
  const phone = usePhone();
  const { ownPassword } = useMe().person;
  const models = useModels().data ?? [];
  const stages = useRef<(StageHandle | null)[]>([]);
  /** Instance and frame of the image on the stage; it stays while the order of its stack becomes known. */
  const [at, setAt] = useState<string | null>(null);
  /** Instance of a document that is read instead of an image. */
  const [documentUid, setDocumentUid] = useState<string | null>(null);
  const [header, setHeader] = useState<{ instance: InstanceRef; title: string } | null>(null);
  /** What the active image offers and how it is shown, for the tool bar. */
  const [shown, setShown] = useState<ShownState>({ inverted: false, unit: '', presets: [] });
  const [sizing, setSizing] = useState(false);
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

  const { study } = view;
  const title = sided(t, study);
  const when = [dicomDate(study.studyDate, language), dicomTime(study.studyTime)].filter(Boolean).join(' ');
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
  // On a phone one finger turns to the next image, and a resting one sets the window.
  const [tool, setTool] = useState<ToolName>(() => (phone && images.length > 1 ? 'scroll' : 'window'));
  const group = groups.find(({ start, shown }) => index >= start && index < start + shown.length);
  const imageIds = useMemo(() => group?.shown.map(({ ref, frame }) => imageIdOf(ref, frame)) ?? [], [group]);
  const ownIds = useMemo(
    () => new Map(images.map((image) => [imageIdOf(image.ref, image.frame), image])),
    [images],
  );
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
  const editable =
    reading.mine && (view.state === 'reading' || view.state === 'to-read' || view.state === 'reopened');
  const marks = useMarks(studyUid, view, editable);
  const standing = useStandingMarks(view);
  const [markSelected, setMarkSelected] = useState<string | null>(null);
  const panes = usePanes({
    view,
    all: useMemo(() => [...ownIds.keys()], [ownIds]),
    stack: imageIds,
    index: index - (group?.start ?? 0),
    onIndex: (next) => setIndex((group?.start ?? 0) + next),
    phone,
  });
  /** Brings an image of the exam into view: in the pane that shows it already, else in the first. */
  const bring = (place: number) => {
    const image = images[place];
    if (!image) return;
    const shownIn = panes.shown.findIndex(
      ({ images: ids, index: shownAt }) => ids[shownAt] === imageIdOf(image.ref, image.frame),
    );
    panes.setActive(Math.max(0, shownIn));
    if (shownIn > 0) setDocumentUid(null);
    else setIndex(place);
  };
  const views = useRef<(View | null)[]>([]);
  const stage = () => stages.current[panes.active];
  const shownNow = () => views.current[panes.active] ?? null;
  useFollow(studyUid, second, navigate);
  const light = useRef<HTMLDivElement>(null);
  useLongPress(light, tool);
  /** The image that the tools work on; undefined where it belongs to an earlier exam. */
  const activePane = panes.shown[panes.active]!;
  const activeId = activePane.images[activePane.index];
  const activeImage = activeId === undefined ? undefined : ownIds.get(activeId);
  const sop = activeImage?.instance.sopInstanceUid;
  /** Of the document that is read, else of the image that the tools work on, whatever exam it is of. */
  const openHeader = () => {
    if (open) setHeader({ instance: open.ref, title: objectTitle(t, open) });
    else if (activeId)
      setHeader({
        instance: refOf(activeId),
        title: activePane.prior
          ? priorName(t, language, activePane.prior)
          : (activeImage?.series.modality ?? ''),
      });
  };
  const keyMarkOf = (image: Pick<Mark, 'sopInstanceUid' | 'frame'>) =>
    marks.marks.find(
      ({ kind, sopInstanceUid, frame }) =>
        kind === 'key' && sopInstanceUid === image.sopInstanceUid && frame === image.frame,
    );
  const keyMark = activeImage && keyMarkOf({ ...activeImage.instance, frame: activeImage.frame });
  const keyImages = new Set(
    [...marks.marks, ...view.reports.flatMap(({ record }) => record?.marks ?? [])]
      .filter(({ kind }) => kind === 'key')
      .map((mark) => `${mark.sopInstanceUid} ${mark.frame}`),
  );
  const toggleKey = () => {
    const now = shownNow();
    if (!now || !ownIds.has(now.imageId)) return;
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
    const now = shownNow();
    const mark =
      kind &&
      now &&
      ownIds.has(now.imageId) &&
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
  const acts = {
    invert: () => stage()?.invert(),
    rotate: () => stage()?.rotate(),
    flip: () => stage()?.flip(),
    reset: () => stage()?.reset(),
    trueSize: () => {
      const now = shownNow();
      const perMm = pxPerMm();
      if (!now) return;
      if (now.loaded.spacing.kind === 'none') notify({ kind: 'info', text: t('screen.notCalibrated') });
      else if (perMm === null) setSizing(true);
      else {
        stage()?.scaleTo(perMm * now.loaded.spacing.column);
        notify({
          kind: 'info',
          text: t(now.loaded.spacing.kind === 'detector' ? 'screen.shownDetector' : 'screen.shown'),
          action: { label: t('screen.again'), run: () => setSizing(true) },
        });
      }
    },
    capture: () => {
      const now = shownNow();
      const host = light.current?.querySelectorAll('.pane')[panes.active];
      if (now && host)
        capture(
          host,
          [
            t('viewer.notDiagnostic'),
            ...(activePane.prior ? [priorName(t, language, activePane.prior)] : [title, when]),
          ]
            .filter(Boolean)
            .join(' · '),
          `negatoscope-${Date.now()}.png`,
        );
    },
    print: () => window.print(),
    secondWindow: second
      ? null
      : () =>
          void window.open(
            `/read/${studyUid}?${SECOND}`,
            'negatoscope-second',
            'popup,width=1200,height=1000',
          ),
    keyImage: activeImage ? { chosen: keyMark !== undefined, toggle: toggleKey } : null,
  } satisfies ToolActs;
  const indexOf = (mark: Mark) =>
    images.findIndex(
      ({ instance, frame }) => instance.sopInstanceUid === mark.sopInstanceUid && frame === mark.frame,
    );
  const showMark = (mark: Mark) => {
    setMarkSelected(mark.id);
    bring(indexOf(mark));
  };
  const unitPresets = presetsFor(shown.unit);
  const windows: WindowChoice[] = [
    ...shown.presets.map((preset, i) => ({
      label: `${preset.name ?? t('viewer.headerWindow', { number: i + 1 })}`,
      key: null,
      choose: () => stage()?.setWindow(preset),
    })),
    ...unitPresets.map((preset, i) => ({
      label: t(`preset.${preset.id}`),
      key: String(i + 1),
      choose: () => stage()?.setWindow(preset),
    })),
  ];
  const next = useNext(studyUid, editable);

  // The list is read in order: an undecided finding is the one that keys act on.
  useEffect(() => {
    if (selected && view.findings.some(({ id }) => id === selected)) return;
    const first =
      view.findings.find(({ decision, by }) => decision === null && by === 'ai') ?? view.findings[0];
    setSelected(first?.id ?? null);
  }, [view.findings, selected]);
  const atHand = editable && aiShown ? selected : null;
  useEffect(() => reading.atHand.show(atHand), [reading.atHand, atHand]);
  useEffect(() => {
    const finding = view.findings.find(({ id }) => id === selected);
    const place = finding
      ? images.findIndex(({ instance }) => instance.sopInstanceUid === finding.sopInstanceUid)
      : -1;
    if (finding && finding.sopInstanceUid !== sop) bring(place);
  }, [selected]);
  const select = (id: string) => {
    // A click inside the card of the finding that is being corrected must not end its correction.
    setEditing((present) => (present?.finding.id === id ? present : null)); // a fresh one stays, named as it is
    setSelected(id);
    const finding = view.findings.find((each) => each.id === id);
    const place = images.findIndex(({ instance }) => instance.sopInstanceUid === finding?.sopInstanceUid);
    bring(place);
  };

  const shownRun = view.ai.find(({ run, hidden }) => run && hidden === null)?.run ?? null;
  const runImage = shownRun?.images.find(({ sopInstanceUid }) => sopInstanceUid === sop);
  const marked = view.findings.find(({ id, sopInstanceUid }) => id === selected && sopInstanceUid === sop);
  const heat = useHeat(
    heatOn && aiShown && runImage?.heatmap ? shownRun!.id : null,
    sop,
    runImage?.scores && marked?.modelId === shownRun!.modelId ? marked?.label : undefined,
  );
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
  /** An image that an object is about comes on the stage: the first, of a segmentation that in its middle. */
  const showImageOf = ({ kind, metadata }: Result) => {
    const about = metadata ? imagesAbout(metadata) : new Set<string>();
    if (current && !open && about.has(current.instance.sopInstanceUid)) return;
    const places = images.flatMap(({ instance }, i) => (about.has(instance.sopInstanceUid) ? i : []));
    setIndex(places[kind === 'segmentation' ? places.length >> 1 : 0] ?? index);
  };
  /** On the image that was shown under the pen, which may not be the one just asked for. */
  const addFinding = (box: Box, sopInstanceUid: string) => {
    setDrawing(false);
    const label = models[0]?.manifest.finding?.label ?? 'finding';
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
  /** In the first pane on to the next stack; beside it, within what the pane shows. */
  const step = (by: number) => {
    const next = activePane.index + by;
    if (panes.active > 0 || (next >= 0 && next < imageIds.length)) panes.turn(panes.active, next);
    else setIndex(Math.min(images.length - 1, Math.max(0, index + by)));
  };

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
    { keys: ['v'], label: t('viewer.nextWindow'), run: () => stage()?.nextWindow() },
    ...(unitPresets.length
      ? [
          {
            keys: unitPresets.map((_preset, i) => String(i + 1)),
            label: t('keys.presets'),
            run: ({ key }: KeyboardEvent) => {
              const preset = unitPresets[Number(key) - 1];
              if (preset) stage()?.setWindow(preset);
            },
          },
        ]
      : []),
    { keys: ['0'], label: t('viewer.trueSize'), run: acts.trueSize },
    { keys: ['Ctrl+s'], label: t('viewer.capture'), outsideText: true, run: acts.capture },
    { keys: ['Ctrl+p'], label: t('viewer.print'), run: acts.print },
    ...(phone
      ? []
      : [
          {
            keys: LAYOUTS.map((_layout, i) => `Alt+${i + 1}`),
            label: t('layout.title'),
            run: ({ key }: KeyboardEvent) => {
              const layout = LAYOUTS[Number(key) - 1];
              if (layout) panes.setLayout(layout);
            },
          },
        ]),
    ...(panes.count > 1
      ? [
          {
            keys: ['Shift+ArrowRight'],
            label: t('layout.next'),
            run: () => panes.setActive((panes.active + 1) % panes.count),
          },
          {
            keys: ['Shift+ArrowLeft'],
            label: t('layout.previous'),
            run: () => panes.setActive((panes.active + panes.count - 1) % panes.count),
          },
          { keys: ['='], label: t('layout.link'), run: panes.toggleLinked },
        ]
      : []),
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

  /** What people and machines say of an image of this exam. */
  const layersOf = (now: View, stage: () => StageHandle | null | undefined) => {
    const { sopInstanceUid } = refOf(now.imageId);
    return (
      <>
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
          findings={view.findings.filter(
            (each) => each.sopInstanceUid === sopInstanceUid && (each.by === 'reader' || aiShown),
          )}
          selected={selected}
          onSelect={select}
          heat={sopInstanceUid === sop ? heat : null}
          editing={editing?.finding.sopInstanceUid === sopInstanceUid ? editing.box : null}
          onEdit={(box) => setEditing((present) => present && { ...present, box })}
        />
        {results.segmentations.map((segmentation) => (
          <SegmentationLayer key={segmentation.ref.sopInstanceUid} now={now} shown={segmentation} />
        ))}
        <PresentationLayer now={now} metadata={results.presentation?.metadata ?? null} />
        <Applied now={now} metadata={results.presentation?.metadata ?? null} stage={stage} />
        {drawing && (
          <DrawSheet
            key={now.imageId}
            mapping={now.mapping}
            onBox={(box) => addFinding(box, sopInstanceUid)}
            onCancel={() => setDrawing(false)}
          />
        )}
      </>
    );
  };

  return (
    <div className={second ? 'reading second' : 'reading'}>
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
        <div className="light" ref={light}>
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
            <div className="panes" data-layout={panes.layout}>
              {panes.shown.map((pane, i) => (
                <Pane
                  key={i}
                  ref={(handle) => {
                    stages.current[i] = handle;
                  }}
                  pane={pane}
                  tool={tool}
                  active={panes.active === i}
                  several={panes.count > 1}
                  sources={panes.sources}
                  onActive={() => panes.setActive(i)}
                  onIndex={(at) => panes.turn(i, at)}
                  onSource={(key) => panes.choose(i, key)}
                  onView={(now) => {
                    views.current[i] = now;
                    if (now && panes.active === i) showOf(now, setShown);
                  }}
                >
                  {(now) => (
                    <>
                      {ownIds.has(now.imageId) && layersOf(now, () => stages.current[i])}
                      <Corners now={now} view={view} pane={pane} image={ownIds.get(now.imageId)} />
                    </>
                  )}
                </Pane>
              ))}
            </div>
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
          {!open && <p className="print-note">{t('viewer.notDiagnostic')}</p>}
          {!open && (
            <ToolBar
              tool={tool}
              onTool={setTool}
              scrolls={imageIds.length > 1}
              inverted={shown.inverted}
              acts={acts}
              windows={windows}
              layout={phone || images.length === 0 ? null : { value: panes.layout, choose: panes.setLayout }}
              link={panes.linkable ? { on: panes.linked, toggle: panes.toggleLinked } : null}
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
      <ScreenSize
        opened={sizing}
        onClose={() => setSizing(false)}
        onSet={() => {
          setSizing(false);
          acts.trueSize();
        }}
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

type ShownState = { inverted: boolean; unit: 'HU' | ''; presets: Window[] };
const showOf = (
  { inverted, loaded, imageId }: View,
  set: (change: (present: ShownState) => ShownState) => void,
) =>
  set((present) => {
    const unit = valueUnitOf(loaded.metadata, refOf(imageId).frame);
    const { presets } = loaded;
    return present.inverted === inverted && present.unit === unit && present.presets === presets
      ? present
      : { inverted, unit, presets };
  });

/** In a window beside the first one, the study that the first shows. */
function useFollow(studyUid: string, second: boolean, navigate: (to: string) => void): void {
  useEffect(() => {
    const channel = new BroadcastChannel('negatoscope.window');
    if (second)
      channel.onmessage = ({ data }) => typeof data === 'string' && navigate(`/read/${data}?${SECOND}`);
    else channel.postMessage(studyUid);
    return () => channel.close();
  }, [studyUid, second]);
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
  stage: () => StageHandle | null | undefined;
}) {
  const applied = useRef(false);
  useEffect(() => {
    const { sopInstanceUid, frame } = refOf(now.imageId);
    const state = metadata ? presentationOf(metadata, sopInstanceUid, frame) : undefined;
    if (state) stage()?.present(state);
    else if (applied.current) stage()?.reset();
    applied.current = state !== undefined;
  }, [now.imageId, metadata]);
  return null;
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
