/**
 * Images side by side: which layout, what each pane shows, which one the tools work on, and how panes follow each other. The first
 * pane is the page's own; the others stand beside it.
 */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { StudyView } from '../../../../doors/api/contract.ts';
import { refOf } from '../loading/imageId.ts';
import type { Plane } from '../tools/space.ts';
import { chosenLayout, keepLayout, panesOf, type Exam, type Layout } from './choice.ts';
import { usePlanes, useSourceImages, useSources } from './sources.ts';
import { followed, offsetOf, type PaneImages } from './sync.ts';

const PROJECTIONS = new Set(['CR', 'DX', 'MG', 'RG', 'IO', 'PX']);
/** Panes beside the first. */
const BESIDE = [0, 1, 2] as const;

interface Beside {
  key: string;
  index: number;
}
/** One image of the layout, with what it may be turned to. */
export interface PaneShown {
  images: readonly string[];
  /** Why there are none. */
  failed: string | null;
  index: number;
  /** Key of its source; null for the first pane, which shows what the list of thumbnails says. */
  source: string | null;
  /** The earlier exam that it shows. */
  prior: StudyView['priors'][number] | undefined;
  plane: Plane | undefined;
  /** Planes of the images beside it. */
  others: readonly Plane[];
}

export function usePanes(input: {
  view: StudyView;
  /** All images of the exam, stack after stack. */
  all: readonly string[];
  /** The stack that the first pane shows, and the place in it. */
  stack: readonly string[];
  index: number;
  onIndex: (index: number) => void;
  phone: boolean;
}) {
  const { view, all, stack, index } = input;
  const { studyUid } = view.study;
  const exam: Exam = {
    modality: view.study.modalities[0] ?? '',
    bodyPart: view.study.bodyParts[0] ?? '',
    images: all.length,
    series: view.series.length,
    priors: view.priors.length,
  };
  const [layout, setLayoutState] = useState<Layout>(() => (input.phone ? '1x1' : chosenLayout(exam)));
  const count = all.length === 0 || input.phone ? 1 : panesOf(layout);
  const [active, setActive] = useState(0);
  const [linked, setLinked] = useState(true);
  const sources = useSources(view, count > 1);
  const [beside, setBeside] = useState<readonly Beside[]>(() =>
    BESIDE.map((i) => ({ key: 'study', index: Math.min(i + 1, Math.max(0, all.length - 1)) })),
  );

  // Beside a chest stands the exam before; beside a stack its next series.
  const placed = useRef(false);
  useEffect(() => {
    if (placed.current || count < 2) return;
    const others = sources.filter(({ key }) => key !== 'study');
    const prior = others.find(({ key }) => !key.startsWith(`${studyUid}/`));
    const wantsPrior = view.priors.length > 0 && all.length < count;
    if (wantsPrior && !prior) return; // not answered yet
    placed.current = true;
    const first = stack[0] && refOf(stack[0]).seriesUid;
    const series = others.filter(({ key }) => key.startsWith(`${studyUid}/`) && !key.endsWith(`/${first}`));
    setBeside((present) =>
      present.map((pane, i) => {
        if (PROJECTIONS.has(exam.modality))
          return i + 1 >= all.length && prior ? { key: prior.key, index: 0 } : pane;
        const next = series[i] ?? (i === series.length ? prior : undefined);
        return next ? { key: next.key, index: 0 } : { key: 'study', index: 0 };
      }),
    );
  }, [count, sources]);

  const answers = [
    useSourceImages(beside[0]!.key, all, studyUid),
    useSourceImages(beside[1]!.key, all, studyUid),
    useSourceImages(beside[2]!.key, all, studyUid),
  ];
  const besideImages = answers.map(({ images }) => images);
  const several = count > 1;
  const planes = [
    usePlanes(stack, several),
    usePlanes(besideImages[0]!, several),
    usePlanes(besideImages[1]!, count > 2),
    usePlanes(besideImages[2]!, count > 3),
  ];
  const lists = [stack, ...besideImages];
  const indices = [index, ...beside.map((pane) => pane.index)].map((at, i) =>
    Math.min(at, Math.max(0, lists[i]!.length - 1)),
  );
  const pane = (i: number): PaneImages => ({
    series: lists[i]!.map((imageId) => refOf(imageId).seriesUid),
    planes: planes[i]!,
    index: indices[i]!,
  });

  /** How far panes were apart when they were joined, by `from>to`. */
  const offsets = useRef(new Map<string, number>());
  const joined = `${linked} ${count} ${beside.map(({ key }) => key).join(' ')} ${planes.map((each) => each.length).join(' ')}`;
  useEffect(() => {
    offsets.current.clear();
    if (!linked) return;
    for (let from = 0; from < count; from++)
      for (let to = 0; to < count; to++)
        if (from !== to) offsets.current.set(`${from}>${to}`, offsetOf(pane(from), pane(to)));
  }, [joined]);

  const put = (which: number, at: number) => {
    if (which === 0) input.onIndex(at);
    else setBeside((present) => present.map((each, i) => (i === which - 1 ? { ...each, index: at } : each)));
  };
  /** The image that a pane shows; the others follow the one that the hand is on. */
  const turn = (which: number, at: number) => {
    const limited = Math.min(Math.max(0, at), Math.max(0, lists[which]!.length - 1));
    put(which, limited);
    if (!linked || which !== active) return;
    const from = pane(which);
    for (let to = 0; to < count; to++) {
      if (to === which) continue;
      const next = followed(from, limited, pane(to), offsets.current.get(`${which}>${to}`) ?? 0);
      if (next !== null) put(to, next);
    }
  };
  const current = Array.from({ length: count }, (_, i): Plane | undefined => planes[i]![indices[i]!]);

  return {
    layout: input.phone ? ('1x1' as const) : layout,
    setLayout(next: Layout) {
      keepLayout(exam, next);
      setLayoutState(next);
      setActive(0);
    },
    count,
    active: Math.min(active, count - 1),
    setActive,
    linked,
    toggleLinked: () => setLinked((on) => !on),
    /** Whether there are places in space to follow. */
    linkable: useMemo(() => planes.filter((each) => each.some(Boolean)).length > 1, [joined]),
    sources,
    shown: current.map((plane, i): PaneShown => {
      const source = i === 0 ? null : beside[i - 1]!.key;
      return {
        images: lists[i]!,
        failed: i === 0 ? null : answers[i - 1]!.failed,
        index: indices[i]!,
        source,
        prior: view.priors.find((each) => source?.startsWith(`${each.studyUid}/`)),
        plane,
        others: current.filter((each, other): each is Plane => other !== i && each !== undefined),
      };
    }),
    choose: (which: number, key: string) =>
      setBeside((present) => present.map((each, i) => (i === which - 1 ? { key, index: 0 } : each))),
    turn,
  };
}
