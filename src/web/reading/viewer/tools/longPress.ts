/** On a touch screen: a finger that rests on the image sets the window, whatever one finger does otherwise. */
import { useEffect } from 'react';
import type { RefObject } from 'react';
import { activate, markToolOf, type ToolName } from './bindings.ts';

const REST_MS = 380;
/** CSS px that a resting finger may wander. */
const WANDER = 8;

export function useLongPress(host: RefObject<HTMLElement | null>, tool: ToolName): void {
  useEffect(() => {
    const element = host.current;
    // A finger that draws may rest where it draws.
    if (!element || tool === 'window' || markToolOf(tool)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let from: readonly [number, number] = [0, 0];
    let held = false;
    const end = () => {
      clearTimeout(timer);
      if (held) activate(tool);
      held = false;
    };
    const down = (event: PointerEvent) => {
      end();
      const onImage = event.target instanceof Element && event.target.closest('.canvas');
      if (event.pointerType !== 'touch' || !event.isPrimary || !onImage) return;
      from = [event.clientX, event.clientY];
      timer = setTimeout(() => {
        held = true;
        activate('window');
        navigator.vibrate?.(12);
      }, REST_MS);
    };
    const move = (event: PointerEvent) => {
      if (!held && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > WANDER) clearTimeout(timer);
    };
    element.addEventListener('pointerdown', down, true);
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', end);
    window.addEventListener('pointercancel', end);
    return () => {
      end();
      element.removeEventListener('pointerdown', down, true);
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', end);
      window.removeEventListener('pointercancel', end);
    };
  }, [tool]);
}
