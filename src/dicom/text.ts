/** What people type, as values of a data set: PS3.5 6.2. */

/** One value of LO or SH: no backslash, no control character, at most `length` characters. */
export const shortText = (text: string, length = 64): string =>
  [...text.replace(/[\\\p{Cc}]/gu, ' ').trim()].slice(0, length).join('').toWellFormed();

/** A component of a PN may not hold the delimiters either, and has at most 64 characters: PS3.5 6.2.1. */
const component = (text: string): string => shortText(text.replace(/[\^=]/g, ' '));

/** `Family^Given`, or a name in one piece as `Family`: PS3.5 6.2.1. */
export const personName = (family: string, given = ''): string =>
  `${component(family)}^${component(given)}`.replace(/\^$/, '');
