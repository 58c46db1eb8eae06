/** "Dr Anne Marchand" → "anne.marchand": a proposal, to be changed at will. */
export function proposeLogin(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/^(dr|pr|prof|mme|m|mr|mrs|ms)\.?\s+/, '')
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.|\.$/g, '');
}
