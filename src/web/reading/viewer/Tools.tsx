/** The tools below the image (a rail of three on a phone). */
import { Contrast, Flame, Layers, Maximize, Move, Ruler, SquareSplitHorizontal, ZoomIn } from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { useText } from '../../text.ts';
import type { ToolName } from './tools/bindings.ts';

function AngleIcon(props: { size?: number }) {
  return (
    <svg
      width={props.size}
      height={props.size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      <path d="M20 19H4L15 5" />
      <path d="M12 19a8 8 0 0 0-2.6-5.9" />
    </svg>
  );
}
const TOOLS: readonly {
  tool: ToolName;
  key: string;
  icon: ComponentType<{ size?: number }>;
  phone?: true;
}[] = [
  { tool: 'window', key: 'W', icon: Contrast, phone: true },
  { tool: 'zoom', key: 'Z', icon: ZoomIn },
  { tool: 'pan', key: 'P', icon: Move },
  { tool: 'length', key: 'L', icon: Ruler, phone: true },
  { tool: 'angle', key: 'G', icon: AngleIcon },
];
export const toolKeys = TOOLS.map(({ tool, key }) => ({ tool, key }));

export function ToolBar(props: {
  tool: ToolName;
  onTool: (tool: ToolName) => void;
  scrolls: boolean;
  inverted: boolean;
  onInvert: () => void;
  onReset: () => void;
  ai: { shown: boolean; onToggle: () => void; heat: boolean | null; onHeat: () => void } | null;
}) {
  const { t } = useText();
  const button = (
    name: string,
    label: string,
    key: string,
    pressed: boolean | undefined,
    run: () => void,
    icon: ReactNode,
    extra = '',
  ) => (
    <button
      key={name}
      type="button"
      className={`light-tool ${extra}`}
      aria-pressed={pressed}
      aria-label={label}
      aria-keyshortcuts={key}
      title={`${label} (${key})`}
      onClick={run}
    >
      {icon}
    </button>
  );
  return (
    <div className="tools" role="toolbar" aria-label={t('viewer.tools')}>
      {TOOLS.map(({ tool, key, icon: Icon, phone }) =>
        button(
          tool,
          t(`viewer.tool.${tool}`),
          key,
          props.tool === tool,
          () => props.onTool(tool),
          <Icon size={18} />,
          phone ? '' : 'wide',
        ),
      )}
      {props.scrolls &&
        button(
          'scroll',
          t('viewer.tool.scroll'),
          'S',
          props.tool === 'scroll',
          () => props.onTool('scroll'),
          <Layers size={18} />,
        )}
      <span className="rule wide" />
      {button(
        'invert',
        t('viewer.invert'),
        'I',
        props.inverted,
        props.onInvert,
        <SquareSplitHorizontal size={18} />,
        'wide',
      )}
      {button('reset', t('viewer.reset'), 'R', undefined, props.onReset, <Maximize size={18} />)}
      {props.ai && (
        <>
          <span className="rule wide" />
          {props.ai.heat !== null &&
            button(
              'heat',
              t('viewer.heat'),
              'H',
              props.ai.heat,
              props.ai.onHeat,
              <Flame size={18} />,
              'ai wide',
            )}
          <button
            type="button"
            className="light-tool ai text"
            aria-pressed={props.ai.shown}
            aria-keyshortcuts="A"
            title={`${t('viewer.ai')} (A)`}
            onClick={props.ai.onToggle}
          >
            {t('viewer.aiShort')} <kbd>A</kbd>
          </button>
        </>
      )}
    </div>
  );
}
