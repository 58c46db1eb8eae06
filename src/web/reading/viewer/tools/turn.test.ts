import { expect, test } from 'vitest';
import { turnOf } from './turn.ts';

test.each([0, 90, 180, 270] as const)('an image turned by %i° says so, flipped or not', (rotation) => {
  for (const flipped of [false, true]) {
    const angle = (rotation * Math.PI) / 180;
    const onStage = (x: number, y: number) => {
      // Clockwise on a screen, whose y runs down; then left to right.
      const rx = x * Math.cos(angle) - y * Math.sin(angle);
      const ry = x * Math.sin(angle) + y * Math.cos(angle);
      return [300 + (flipped ? -rx : rx) * 0.4, 200 + ry * 0.4] as const;
    };
    expect(turnOf(onStage)).toEqual({ rotation, flipped });
  }
});
