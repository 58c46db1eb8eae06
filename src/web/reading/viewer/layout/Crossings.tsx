/** Lines where the planes of the other panes cross this image. */
import type { Mapping, View } from '../viewport/Stage.tsx';
import { crossing, type Plane } from '../tools/space.ts';

export function Crossings(props: { now: View; plane: Plane | undefined; others: readonly Plane[] }) {
  const { now, plane, others } = props;
  if (!plane || others.length === 0) return null;
  return (
    <svg className="marks crossings" aria-hidden>
      {others.map((other, i) => {
        const ends = crossing(plane, other);
        return ends && <Line key={i} ends={ends} mapping={now.mapping} />;
      })}
    </svg>
  );
}

function Line({ ends, mapping }: { ends: [[number, number], [number, number]]; mapping: Mapping }) {
  const [[x1, y1], [x2, y2]] = ends.map(([x, y]) => mapping.toStage(x, y)) as [
    [number, number],
    [number, number],
  ];
  return <line x1={x1} y1={y1} x2={x2} y2={y2} />;
}
