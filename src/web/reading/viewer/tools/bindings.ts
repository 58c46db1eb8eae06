/** Cornerstone's tools and which button, finger or wheel works which. */
import {
  addTool,
  AngleTool,
  Enums as ToolEnums,
  LengthTool,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';

export const TOOLS = {
  window: WindowLevelTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  scroll: StackScrollTool.toolName,
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
} as const;
export type ToolName = keyof typeof TOOLS;

export const TOOL_GROUP = 'negatoscope';

/** Makes the tools known and their group, once, after the start of Cornerstone's tools. */
export function registerTools(): void {
  for (const tool of [WindowLevelTool, ZoomTool, PanTool, StackScrollTool, LengthTool, AngleTool])
    addTool(tool);
  const group = ToolGroupManager.createToolGroup(TOOL_GROUP)!;
  for (const name of Object.values(TOOLS)) group.addTool(name);
  activate('window');
}

const { MouseBindings } = ToolEnums;

/** Gives the main button (and one finger) to a tool; the middle one pans, the right one and two fingers zoom, the wheel scrolls. */
export function activate(tool: ToolName): void {
  const group = ToolGroupManager.getToolGroup(TOOL_GROUP);
  if (!group) return;
  for (const name of ['length', 'angle', 'window', 'scroll'] as const) group.setToolPassive(TOOLS[name]);
  group.setToolActive(TOOLS.pan, { bindings: [{ mouseButton: MouseBindings.Auxiliary }] });
  group.setToolActive(TOOLS.zoom, {
    bindings: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
  });
  group.setToolActive(TOOLS.scroll, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  const primary = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
  if (tool === 'zoom')
    group.setToolActive(TOOLS.zoom, {
      bindings: [...primary, { mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    });
  else if (tool === 'pan')
    group.setToolActive(TOOLS.pan, { bindings: [...primary, { mouseButton: MouseBindings.Auxiliary }] });
  else if (tool === 'scroll')
    group.setToolActive(TOOLS.scroll, { bindings: [...primary, { mouseButton: MouseBindings.Wheel }] });
  else group.setToolActive(TOOLS[tool], { bindings: primary });
}
