/** The tools below the image (a rail of three on a phone, the others behind its last button). */
import { Menu } from '@mantine/core';
import {
  Bookmark,
  Circle,
  Contrast,
  Flame,
  FlipHorizontal2,
  HeartPulse,
  Layers,
  Maximize,
  Move,
  MoveUpRight,
  Pipette,
  RotateCw,
  Ruler,
  ScanSearch,
  Shapes,
  Square,
  SquareSplitHorizontal,
  ZoomIn,
} from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { useText } from '../../text.ts';
import type { ToolName } from './tools/bindings.ts';

type Icon = ComponentType<{ size?: number }>;

const drawnIcon = (...paths: string[]): Icon =>
  function DrawnIcon(props) {
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
        {paths.map((path) => (
          <path key={path} d={path} />
        ))}
      </svg>
    );
  };
const AngleIcon = drawnIcon('M20 19H4L15 5', 'M12 19a8 8 0 0 0-2.6-5.9');
const CobbIcon = drawnIcon('M4 8l16-4', 'M4 16l16 5', 'M12 6.5v11.5');

/** `place`: in the bar itself, or in the menu of measurements. */
const TOOLS: readonly { tool: ToolName; key: string; icon: Icon; place: 'bar' | 'menu'; phone?: true }[] = [
  { tool: 'window', key: 'W', icon: Contrast, place: 'bar', phone: true },
  { tool: 'zoom', key: 'Z', icon: ZoomIn, place: 'bar' },
  { tool: 'pan', key: 'P', icon: Move, place: 'bar' },
  { tool: 'magnify', key: 'M', icon: ScanSearch, place: 'bar' },
  { tool: 'length', key: 'L', icon: Ruler, place: 'bar', phone: true },
  { tool: 'angle', key: 'G', icon: AngleIcon, place: 'menu' },
  { tool: 'cobb', key: 'B', icon: CobbIcon, place: 'menu' },
  { tool: 'ctr', key: 'T', icon: HeartPulse, place: 'menu' },
  { tool: 'ellipse', key: 'E', icon: Circle, place: 'menu' },
  { tool: 'rectangle', key: 'Q', icon: Square, place: 'menu' },
  { tool: 'probe', key: 'D', icon: Pipette, place: 'menu' },
  { tool: 'arrow', key: 'U', icon: MoveUpRight, place: 'menu' },
];
export const toolKeys = TOOLS.map(({ tool, key }) => ({ tool, key }));

/** Acts on the image in view that the bar, the menu and the keys share. */
export interface ToolActs {
  invert: () => void;
  rotate: () => void;
  flip: () => void;
  reset: () => void;
  /** Null where no key image can be chosen. */
  keyImage: { chosen: boolean; toggle: () => void } | null;
}

export function ToolBar(props: {
  tool: ToolName;
  onTool: (tool: ToolName) => void;
  scrolls: boolean;
  inverted: boolean;
  acts: ToolActs;
  ai: { shown: boolean; onToggle: () => void; heat: boolean | null; onHeat: () => void } | null;
}) {
  const { t } = useText();
  const { acts } = props;
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
  const menu = TOOLS.filter(({ place }) => place === 'menu');
  const chosen = menu.find(({ tool }) => tool === props.tool);
  const MenuIcon = chosen?.icon ?? Shapes;
  return (
    <div className="tools" role="toolbar" aria-label={t('viewer.tools')}>
      {TOOLS.filter(({ place }) => place === 'bar').map(({ tool, key, icon: Icon, phone }) =>
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
      <Menu position="top" width={240} withinPortal>
        <Menu.Target>
          <button
            type="button"
            className="light-tool"
            aria-pressed={chosen !== undefined}
            aria-label={t('viewer.measures')}
            title={t('viewer.measures')}
          >
            <MenuIcon size={18} />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {menu.map(({ tool, key, icon: Icon }) => (
            <Menu.Item
              key={tool}
              leftSection={<Icon size={16} />}
              rightSection={<kbd>{key}</kbd>}
              onClick={() => props.onTool(tool)}
            >
              {t(`viewer.tool.${tool}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
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
      {acts.keyImage &&
        button(
          'key',
          t('viewer.keyImage'),
          'K',
          acts.keyImage.chosen,
          acts.keyImage.toggle,
          <Bookmark size={18} fill={acts.keyImage.chosen ? 'currentColor' : 'none'} />,
          'wide',
        )}
      {button(
        'invert',
        t('viewer.invert'),
        'I',
        props.inverted,
        acts.invert,
        <SquareSplitHorizontal size={18} />,
        'wide',
      )}
      {button('rotate', t('viewer.rotate'), 'Y', undefined, acts.rotate, <RotateCw size={18} />, 'wide')}
      {button('flip', t('viewer.flip'), 'J', undefined, acts.flip, <FlipHorizontal2 size={18} />, 'wide')}
      {button('reset', t('viewer.reset'), 'R', undefined, acts.reset, <Maximize size={18} />, 'wide')}
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
