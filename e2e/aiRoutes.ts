/**
 * What each route of the server may say of AI before the signature (docs/visibility.md). A route without a row makes
 * visibility.test.ts fail.
 */
export type Group = 'rule' | 'signed' | 'evidence' | 'none' | 'act';

const WEB = '/dicom-web';
const STUDY = `${WEB}/studies/{study}`;
const SERIES = `${STUDY}/series/{series}`;
const INSTANCE = `${SERIES}/instances/{instance}`;

/** Routes that look. Whatever changes something is `act`. */
const LOOKING: Readonly<Record<Exclude<Group, 'act'>, readonly string[]>> = {
  rule: [
    'GET /api/worklist',
    'GET /api/studies/{uid}',
    'GET /api/runs/{id}/heatmap/{sop}',
    'GET /api/audit',
    ...['studies', 'series', 'instances', 'wado'].map((what) => `GET ${WEB}/${what}`),
    ...['', '/metadata', '/series', '/instances', '/thumbnail', '/rendered'].map((of) => `GET ${STUDY}${of}`),
    ...['', '/metadata', '/instances', '/thumbnail', '/rendered'].map((of) => `GET ${SERIES}${of}`),
    ...['', '/metadata', '/bulkdata/{*}', '/thumbnail', '/rendered'].map((of) => `GET ${INSTANCE}${of}`),
    ...['', '/rendered', '/thumbnail'].map((of) => `GET ${INSTANCE}/frames/{frames}${of}`),
  ],
  signed: [
    'GET /api/reports/{id}/pdf',
    'GET /api/discrepancies',
    'GET /api/evidence',
    'GET /api/evidence/{id}',
    'GET /api/evidence/{id}/cases',
    'GET /api/evidence/{id}/monitoring',
    'GET /api/evidence/{id}/turnaround',
    'GET /api/evidence/{id}/measures',
    'GET /api/evidence/{id}/measures/cases',
    'GET /api/evidence/{id}/versions',
    'GET /api/evidence/{id}/inputs',
    'GET /api/evidence/report.pdf',
    'GET /api/evidence/{id}/export/{file}',
    'GET /api/gates/{id}',
    'GET /api/studies/{uid}/references',
  ],
  evidence: [
    'GET /api/validation',
    'GET /api/validation/{id}/{file}',
    'GET /api/labelling',
    'GET /api/labelling/{id}',
    'GET /api/labelling/{id}/cases',
    'GET /api/labelling/{id}/labels.csv',
  ],
  none: [
    'GET /health',
    'GET /ca.crt',
    'GET /api/status',
    'GET /api/me',
    'GET /api/sessions',
    'GET /api/openapi.json',
    'GET /api/users',
    'GET /api/readers',
    'GET /api/tokens',
    'GET /api/templates',
    'GET /api/models',
    'GET /api/claims',
    'GET /api/claims/{id}/versions',
    'GET /api/packages/broken',
    'GET /api/labelling/mine',
    'GET /api/associations',
    'GET /api/knocks',
    'GET /api/remotes',
    'GET /api/remotes/authority',
    'GET /api/pulls',
    'GET /api/folders',
    'GET /api/rules',
    'GET /api/forwards',
    'GET /api/quarantine',
    'GET /api/quarantine/decisions',
    'GET /api/quarantine/{id}',
    'GET /api/quarantine/{id}/file',
    'GET /api/quarantine/{id}/peek',
    'GET /api/quarantine/{id}/picture',
    'GET /api/recycled',
    'GET /api/upkeep',
    'GET /api/deletion',
    'GET /api/doctor',
    'GET /api/practice',
    'GET /api/upload/here/{sop}',
    // Work for AI elsewhere: of the one worker who has claimed it (ups.test.ts).
    `GET ${WEB}/workitems`,
    `GET ${WEB}/workitems/{workitem}`,
    `GET ${WEB}/subscribers/{aetitle}`,
  ],
};
const GROUPS = new Map(
  Object.entries(LOOKING).flatMap(([group, routes]) => routes.map((route) => [route, group as Group])),
);

/** Undefined for a route that looks and has no row. */
export const groupOf = (route: string): Group | undefined =>
  GROUPS.get(route) ?? (/^(POST|PUT|PATCH|DELETE|OPTIONS) /.test(route) ? 'act' : undefined);
export const routesOf = (group: Exclude<Group, 'act'>): readonly string[] => LOOKING[group];
