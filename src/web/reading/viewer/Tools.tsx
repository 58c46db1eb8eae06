/** The tools below the image (a rail of three on a phone, the others behind its last button). */
import { Menu } from '@mantine/core';
import {
  AppWindow,
  Bookmark,
  Camera,
  ChevronUp,
  Circle,
  Columns2,
  Contrast,
  Ellipsis,
  Flame,
  FlipHorizontal2,
  Grid2x2,
  HeartPulse,
  Layers,
  Link2,
  Maximize,
  Move,
  MoveUpRight,
  Pipette,
  Printer,
  RotateCw,
  Rows2,
  Ruler,
  Scaling,
  ScanSearch,
  Shapes,
  Square,
  SquareSplitHorizontal,
  ZoomIn,
} from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { useText } from '../../text.ts';
import { LAYOUTS, type Layout } from './layout/choice.ts';
import { markToolOf, type ToolName } from './tools/bindings.ts';

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
  /** Null where nothing is measured. */
  trueSize: (() => void) | null;
  /** Null where images do not leave the page. */
  capture: (() => void) | null;
  print: (() => void) | null;
  /** Null in the second window itself. */
  secondWindow: (() => void) | null;
  /** Null where no key image can be chosen. */
  keyImage: { chosen: boolean; toggle: () => void } | null;
}

/** Windows to choose from, with the digit that chooses them. */
export interface WindowChoice {
  label: string;
  key: string | null;
  choose: () => void;
}
/** In the menu of a phone alone: elsewhere they have buttons. */
const PHONE = { className: 'phone-only' };
const LAYOUT_ICONS = { '1x1': Square, '1x2': Columns2, '2x1': Rows2, '2x2': Grid2x2 } as const;

export function ToolBar(props: {
  tool: ToolName;
  onTool: (tool: ToolName) => void;
  /** False where nothing is measured: the tools that change the view alone. */
  measures?: boolean;
  scrolls: boolean;
  inverted: boolean;
  acts: ToolActs;
  windows: readonly WindowChoice[];
  layout: { value: Layout; choose: (layout: Layout) => void } | null;
  /** Null where nothing can follow. */
  link: { on: boolean; toggle: () => void } | null;
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
  const opener = (name: string, label: string, icon: ReactNode, extra = '', pressed?: boolean) => (
    <Menu.Target>
      <button
        key={name}
        type="button"
        className={`light-tool ${extra}`}
        aria-pressed={pressed}
        aria-label={label}
        title={label}
      >
        {icon}
      </button>
    </Menu.Target>
  );
  const item = (
    label: string,
    Icon: Icon,
    run: () => void,
    { key, className }: { key?: string; className?: string } = {},
  ) => (
    <Menu.Item
      key={label}
      className={className}
      leftSection={<Icon size={16} />}
      rightSection={key && <kbd>{key}</kbd>}
      onClick={run}
    >
      {label}
    </Menu.Item>
  );
  const { measures = true } = props;
  const tools = TOOLS.filter(({ tool }) => measures || markToolOf(tool) === null);
  const menu = tools.filter(({ place }) => place === 'menu');
  const chosen = menu.find(({ tool }) => tool === props.tool);
  const MenuIcon = chosen?.icon ?? Shapes;
  return (
    <div className="tools" role="toolbar" aria-label={t('viewer.tools')}>
      {props.windows.length > 0 && (
        <Menu position="top-start" width={240} withinPortal>
          {opener('windows', t('viewer.windows'), <ChevronUp size={14} />, 'narrow wide')}
          <Menu.Dropdown className="pop tools-menu">
            {props.windows.map(({ label, key, choose }) => (
              <Menu.Item key={label} rightSection={key && <kbd>{key}</kbd>} onClick={choose}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {tools
        .filter(({ place }) => place === 'bar')
        .map(({ tool, key, icon: Icon, phone }) =>
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
      {menu.length > 0 && (
        <Menu position="top" width={240} withinPortal>
          {opener('measures', t('viewer.measures'), <MenuIcon size={18} />, 'wide', chosen !== undefined)}
          <Menu.Dropdown className="pop">
            {menu.map(({ tool, key, icon }) =>
              item(t(`viewer.tool.${tool}`), icon, () => props.onTool(tool), { key }),
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      {props.scrolls &&
        button(
          'scroll',
          t('viewer.tool.scroll'),
          'S',
          props.tool === 'scroll',
          () => props.onTool('scroll'),
          <Layers size={18} />,
          'wide',
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
      {props.layout && (
        <Menu position="top" width={200} withinPortal>
          {opener('layout', t('layout.title'), <Columns2 size={18} />, 'wide', props.layout.value !== '1x1')}
          <Menu.Dropdown className="pop">
            {LAYOUTS.map((layout, i) =>
              item(t(`layout.name.${layout}`), LAYOUT_ICONS[layout], () => props.layout!.choose(layout), {
                key: `Alt ${i + 1}`,
              }),
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      {props.link &&
        button('link', t('layout.link'), '=', props.link.on, props.link.toggle, <Link2 size={18} />, 'wide')}
      <Menu position="top" width={260} withinPortal>
        {opener('more', t('viewer.more'), <Ellipsis size={18} />, measures ? '' : 'phone-only')}
        <Menu.Dropdown className="pop tools-menu">
          {acts.trueSize && item(t('viewer.trueSize'), Scaling, acts.trueSize, { key: '0' })}
          {tools
            .filter(({ phone }) => !phone)
            .map(({ tool, icon }) => item(t(`viewer.tool.${tool}`), icon, () => props.onTool(tool), PHONE))}
          {props.windows.map(({ label, choose }) => item(label, Contrast, choose, PHONE))}
          {item(t('viewer.reset'), Maximize, acts.reset, PHONE)}
          {item(t('viewer.invert'), SquareSplitHorizontal, acts.invert, PHONE)}
          {item(t('viewer.rotate'), RotateCw, acts.rotate, PHONE)}
          {item(t('viewer.flip'), FlipHorizontal2, acts.flip, PHONE)}
          {acts.keyImage && item(t('viewer.keyImage'), Bookmark, acts.keyImage.toggle, PHONE)}
          {props.scrolls && item(t('viewer.tool.scroll'), Layers, () => props.onTool('scroll'), PHONE)}
          {acts.capture && item(t('viewer.capture'), Camera, acts.capture, { key: 'Ctrl S' })}
          {acts.print && item(t('viewer.print'), Printer, acts.print, { key: 'Ctrl P' })}
          {acts.secondWindow && item(t('viewer.secondWindow'), AppWindow, acts.secondWindow)}
        </Menu.Dropdown>
      </Menu>
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
