import { expect, it } from 'vitest';
import { mayAct, nameOf, PATIENT_CHANGE_MS } from './keys.ts';

const press = (
  key: string,
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {},
) => nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
const free = {
  typing: false,
  onControl: false,
  dialogOpen: false,
  msSincePatientChange: Infinity,
  repeated: false,
};

it('names keys as bindings write them', () => {
  expect(press('J', { shiftKey: true })).toBe('j'); // Caps Lock or Shift: the same key
  expect(press('/', { shiftKey: true })).toBe('/'); // French keyboard
  expect(press('?')).toBe('?');
  expect(press('Enter', { ctrlKey: true })).toBe('Ctrl+Enter');
  expect(press('Enter', { metaKey: true })).toBe('Ctrl+Enter');
  expect(press('ArrowLeft', { shiftKey: true })).toBe('Shift+ArrowLeft');
});

it('leaves text fields their letters', () => {
  expect(mayAct('n', {}, free)).toBe(true);
  expect(mayAct('n', {}, { ...free, typing: true })).toBe(false);
  expect(mayAct('Enter', {}, { ...free, typing: true })).toBe(false);
  expect(mayAct('Ctrl+Enter', {}, { ...free, typing: true })).toBe(true);
  expect(mayAct('Escape', {}, { ...free, typing: true })).toBe(true);
});

it('holds single letters for a moment after the patient changed', () => {
  expect(mayAct('o', {}, { ...free, msSincePatientChange: PATIENT_CHANGE_MS - 1 })).toBe(false);
  expect(mayAct('o', {}, { ...free, msSincePatientChange: PATIENT_CHANGE_MS })).toBe(true);
  expect(mayAct('Ctrl+Enter', {}, { ...free, msSincePatientChange: 0 })).toBe(true);
});

it('acts once on a letter that is held down, so that it decides one finding and not all', () => {
  const held = { ...free, repeated: true };
  for (const name of ['o', 'n', 'Ctrl+Enter', 'Escape']) expect(mayAct(name, {}, held)).toBe(false);
  for (const name of ['ArrowRight', '+']) expect(mayAct(name, {}, held)).toBe(true);
});

it('leaves Enter to the button that has the focus, and everything to an open dialog', () => {
  expect(mayAct('Enter', {}, { ...free, onControl: true })).toBe(false);
  expect(mayAct('j', {}, { ...free, onControl: true })).toBe(true);
  expect(mayAct('j', {}, { ...free, dialogOpen: true })).toBe(false);
  expect(mayAct('Escape', { inDialogs: true }, { ...free, dialogOpen: true })).toBe(true);
});
