/** A structured report as it would be read aloud: sections, names and values; codes small beside them. */
import { useMemo } from 'react';
import { dicomDate, dicomTime, personName } from '../../format.ts';
import { useText } from '../../text.ts';
import type { Metadata } from '../viewer/loading/dicomweb.ts';
import { conceptName, relationName } from './concepts.ts';
import { srTree, type Code, type SrNode, type SrReference } from './sr.ts';

type Open = (reference: SrReference) => void;

export function SrView(props: {
  metadata: Metadata;
  /** Undefined where the image is not in this study. */
  openerOf: (reference: SrReference) => (() => void) | undefined;
}) {
  const root = useMemo(() => srTree(props.metadata), [props.metadata]);
  return (
    <div className="sr">
      <Item node={root} level={2} openerOf={props.openerOf} />
    </div>
  );
}

function Item({
  node,
  level,
  openerOf,
}: {
  node: SrNode;
  level: number;
  openerOf: (reference: SrReference) => ReturnType<() => (() => void) | undefined>;
}) {
  const { language } = useText();
  const Heading = `h${Math.min(6, level)}` as 'h2';
  const children = node.children.length > 0 && (
    <ul>
      {node.children.map((child) => (
        <li key={child.id} id={`sr-${child.id}`} data-type={child.type || undefined}>
          <Item node={child} level={node.type === 'CONTAINER' ? level + 1 : level} openerOf={openerOf} />
        </li>
      ))}
    </ul>
  );
  const relation = relationName(node.relationship, language);
  if (node.type === 'CONTAINER')
    return (
      <section>
        <Heading>
          {relation && <span className="faint">{relation} </span>}
          <Name code={node.name} />
        </Heading>
        {children}
      </section>
    );
  return (
    <>
      <div className="sr-item">
        {relation && <span className="faint small">{relation} </span>}
        {node.name && (
          <span className="sr-name">
            <Name code={node.name} />
            {language === 'fr' ? '\u00a0: ' : ': '}
          </span>
        )}
        <Value node={node} openerOf={openerOf} />
      </div>
      {children}
    </>
  );
}

function Name({ code }: { code: Code | undefined }) {
  const { t, language } = useText();
  if (!code) return <>{t('objects.srUnnamed')}</>;
  return (
    <>
      <bdi>{conceptName(code, language)}</bdi>
      <small className="sr-code">
        {code.value} {code.scheme}
      </small>
    </>
  );
}

function Value({
  node,
  openerOf,
}: {
  node: SrNode;
  openerOf: (reference: SrReference) => (() => void) | undefined;
}) {
  const { t, language } = useText();
  switch (node.type) {
    case 'TEXT':
      return <span className="sr-text">{node.value}</span>;
    case 'CODE':
      return node.code ? <Name code={node.code} /> : null;
    case 'NUM': {
      const unit = node.unit;
      return (
        <span className="num">
          <b>{node.value || t('objects.srNoValue')}</b>
          {unit && unit.value !== '1' && <> {unit.meaning.length <= 12 ? unit.meaning : unit.value}</>}
        </span>
      );
    }
    case 'PNAME':
      return <bdi>{personName(node.value)}</bdi>;
    case 'DATE':
      return <span className="num">{dicomDate(node.value, language)}</span>;
    case 'TIME':
      return <span className="num">{dicomTime(node.value)}</span>;
    case 'DATETIME':
      return (
        <span className="num">
          {dicomDate(node.value.slice(0, 8), language)} {dicomTime(node.value.slice(8))}
        </span>
      );
    case 'UIDREF':
      return <code className="faint small">{node.value}</code>;
    case 'IMAGE':
    case 'COMPOSITE':
    case 'WAVEFORM':
      return (
        <>
          {node.references.map((reference) => (
            <Reference key={reference.sopInstanceUid} reference={reference} open={openerOf(reference)} />
          ))}
        </>
      );
    case 'SCOORD':
    case 'SCOORD3D':
    case 'TCOORD':
      return (
        <span className="faint">
          {t('objects.srGraphic', {
            type: node.graphic?.type ?? '',
            count: (node.graphic?.points.length ?? 0) / (node.type === 'SCOORD3D' ? 3 : 2),
          })}
        </span>
      );
    default:
      return node.to ? <a href={`#sr-${node.to}`}>{t('objects.srElsewhere')}</a> : null;
  }
}

function Reference({ reference, open }: { reference: SrReference; open: (() => void) | undefined }) {
  const { t } = useText();
  const frames = reference.frames.length ? ` (${reference.frames.join(', ')})` : '';
  return open ? (
    <button type="button" className="btn small" onClick={open}>
      {t('objects.openImage')}
      {frames}
    </button>
  ) : (
    <span className="faint">{t('objects.imageElsewhere')}</span>
  );
}
export type { Open };
