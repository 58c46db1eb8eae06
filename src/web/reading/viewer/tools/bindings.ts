/** Cornerstone's tools and which button, finger or wheel works which. What is drawn is ours: `../marks`. */
import {
  addTool,
  Enums as ToolEnums,
  MagnifyTool,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';
import type { MarkKind } from '../../../../measure/marks.ts';

const TOOLS = {
  window: WindowLevelTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  scroll: StackScrollTool.toolName,
  magnify: MagnifyTool.toolName,
} as const;
type ViewTool = keyof typeof TOOLS;
/** Tools that draw a mark. `arrow` writes a note where it is only clicked. */
export const MARK_TOOLS = [
  'length',
  'angle',
  'cobb',
  'ctr',
  'ellipse',
  'rectangle',
  'probe',
  'arrow',
] as const satisfies readonly MarkKind[];
export type MarkTool = (typeof MARK_TOOLS)[number];
export type ToolName = ViewTool | MarkTool;
export const markToolOf = (tool: ToolName): MarkTool | null =>
  MARK_TOOLS.find((each) => each === tool) ?? null;

export const TOOL_GROUP = 'negatoscope';
/** How much a magnifying glass enlarges, and how wide it is, CSS px. */
const GLASS = { magnifySize: 3, magnifyWidth: 280, magnifyHeight: 280 };

/** Makes the tools known and their group, once, after the start of Cornerstone's tools. */
export function registerTools(): void {
  for (const tool of [WindowLevelTool, ZoomTool, PanTool, StackScrollTool, MagnifyTool]) addTool(tool);
  const group = ToolGroupManager.createToolGroup(TOOL_GROUP)!;
  for (const name of Object.values(TOOLS)) group.addTool(name, name === TOOLS.magnify ? GLASS : undefined);
  activate('window');
}

const { MouseBindings } = ToolEnums;

/**
 * Gives the main button (and one finger) to a tool; the middle one pans, the right one and two fingers zoom, the wheel scrolls.
 * A tool that draws leaves the main button to the marks.
 */
export function activate(tool: ToolName): void {
  const group = ToolGroupManager.getToolGroup(TOOL_GROUP);
  if (!group) return;
  for (const name of ['window', 'scroll', 'magnify'] as const) group.setToolPassive(TOOLS[name]);
  const own: Partial<Record<ViewTool, { mouseButton?: number; numTouchPoints?: number }[]>> = {
    pan: [{ mouseButton: MouseBindings.Auxiliary }],
    zoom: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    scroll: [{ mouseButton: MouseBindings.Wheel }],
  };
  const primary = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
  for (const name of Object.keys(TOOLS) as ViewTool[]) {
    const bindings = [...(name === tool ? primary : []), ...(own[name] ?? [])];
    if (bindings.length > 0) group.setToolActive(TOOLS[name], { bindings });
  }
}
