/**
 * The JSON that the browser and the server exchange below `/api`. Types only: the web app imports this file.
 * Errors: `{ error: { code, message, details } }` with the HTTP status. All times are ms UTC.
 *
 * | method and path | takes | gives |
 * |---|---|---|
 * | GET /api/status | | SiteStatus (public part without a session) |
 * | POST /api/setup | SetupRequest | Me |
 * | POST /api/login | {login, password} | Me |
 * | POST /api/logout | | 204 |
 * | GET /api/me · PATCH /api/me | MePatch | Me |
 * | POST /api/unlock | {secret} PIN or password | Me; after the screen was locked |
 * | POST /api/lock | | 204 |
 * | GET /api/sessions · DELETE /api/sessions/:id | | SessionRow[] |
 * | GET /api/live | | server-sent events: LiveMessage, `data:` JSON |
 * | GET /api/worklist?list&modality&search&cursor&limit | | WorklistPage |
 * | GET /api/studies/:uid | | StudyView |
 * | POST · DELETE /api/studies/:uid/claim | | StudyView · 204 |
 * | POST /api/studies/:uid/opinion | {modelId, answer} | StudyView |
 * | POST /api/studies/:uid/findings | {sopInstanceUid, label, box, text?} | Finding |
 * | PUT /api/findings/:id/decision | {decision, box?, text?, reason?} | Finding |
 * | DELETE /api/findings/:id | | 204 |
 * | PUT · DELETE /api/studies/:uid/marks/:id | MarkForm, under a UUID of the page | Mark · 204 |
 * | PUT /api/studies/:uid/draft | {fields, revision} | Draft |
 * | POST /api/studies/:uid/sign | {revision, secret} | Report |
 * | PATCH /api/studies/:uid/patient | PatientCorrection | StudyView |
 * | GET /api/templates?language | | Template[] |
 * | GET /api/reports/:id/pdf | | application/pdf |
 * | POST /api/reports/:id/addenda | {text, secret} | Report |
 * | GET /api/runs/:id/heatmap/:sop | | image/png; `x-box: x,y,width,height` in image pixels |
 * | GET /api/discrepancies · POST /api/discrepancies/:id/seen | | Discrepancy[] · 204 |
 * | POST /api/upload | body: one file's bytes, `x-file-name` (URI encoded) | UploadResult |
 * | GET /api/upload/here/:sopInstanceUid | | {here: boolean}: whether it need not be sent again |
 * | POST /api/attachments | body: JPEG, PNG, PDF, MP4 or MPEG-2 bytes, `x-form`: URI-encoded JSON AttachmentForm | UploadResult |
 * | GET /api/models | | ModelView[] |
 * | POST /api/models/:id/stage | StageRequest | ModelView |
 * | POST /api/packages | body: zip archive of a model package | {id, version} |
 * | GET /api/packages/broken | | BrokenPackage[] |
 * | POST /api/models/:id/check | | CheckResult |
 * | PUT /api/models/:id/enabled · /version | {enabled} · {version} | 204 |
 * | DELETE /api/models/:id/versions/:version | | 204 |
 * | GET (?model) · POST /api/claims | ClaimForm | ClaimsView · ClaimCard |
 * | GET /api/claims/:id/versions · PUT /api/claims/:id | {after, form, removed?} | ClaimCard[] · ClaimCard |
 * | GET /api/evidence | | Overview: every tool in a row |
 * | GET /api/evidence/report.pdf?month&language | | application/pdf: the report of a month |
 * | GET /api/evidence/:modelId/export/figures.csv · registry.csv ?month | | text/csv: counts of a month, small ones hidden |
 * | GET /api/evidence/:modelId?from&to | | EvidenceSummary |
 * | GET /api/evidence/:modelId/monitoring | | ToolMonitoring |
 * | GET /api/evidence/:modelId/turnaround?from&to | | Turnaround |
 * | GET /api/evidence/:modelId/cases?figure&from&to | | CaseRow[] |
 * | GET /api/gates/:modelId | | GateView |
 * | POST /api/gates/plan | PlanForm | Plan |
 * | POST /api/gates/:modelId/protocols | ProtocolRequest | Protocol |
 * | POST /api/gates/:modelId/protocols/:id/deviations | {text, secret} | Deviation |
 * | GET · POST /api/validation | StudyForm | ValidationPage · ValidationRow |
 * | POST /api/validation/:id/cancel · /again · DELETE /api/validation/:id | | ValidationRow · 204 |
 * | GET /api/validation/:id/report.html · report.pdf · result.json · cases.csv | | the results |
 * | GET /api/labelling?model | | LabellingQueueView · POST DrawForm → Queue |
 * | POST /api/labelling/frame | DrawForm without sample | Frame |
 * | GET · PATCH /api/labelling/:id | {offerUnread} | QueueOverview · Queue |
 * | POST /api/labelling/:id/extend · /close | {sample} | Queue |
 * | GET /api/labelling/:id/cases?figure | | QueueCaseRow[] |
 * | GET /api/labelling/:id/labels.csv?uncertain | | text/csv |
 * | GET /api/labelling/mine | | QueueToLabelRow[] |
 * | POST /api/labelling/:id/next · /undo · /labels | LabelForm | Desk |
 * | POST /api/labelling/:id/pause | | 204 |
 * | GET · POST /api/studies/:uid/references?model | FollowUpForm & {replaces?} | StudyReferences · ReferenceEntry |
 * | GET /api/evidence/:modelId/measures?from&to | | ToolMeasures |
 * | GET /api/evidence/:modelId/measures/cases | MeasureQuery & {from?, to?} | CaseRow[] |
 * | GET /api/evidence/:modelId/inputs | | Inputs |
 * | GET /api/evidence/:modelId/versions?first&second | `version@operating-point` twice | VersionPair |
 * | POST /api/references/:id/withdraw | | ReferenceEntry |
 * | POST /api/references/import?model&dryRun | body: CSV | ImportReport |
 * | GET /api/associations?before | | ReceiptRow[], newest first, 50 |
 * | GET /api/knocks | | AeRow[] · POST /api/knocks/:aet/admit · /refuse → AeRow[] |
 * | GET · POST /api/remotes | NewRemote | RemoteSystem[] · RemoteSystem |
 * | GET /api/remotes/authority | | PEM: what others have to trust, where we show them a certificate of our own |
 * | POST /api/remotes/:id/echo | | Trial |
 * | POST /api/remotes/:id/query | QueryForm | lines of QueryLine, as they come; closing cancels |
 * | POST /api/remotes/:id/pulls | {studies: PullOrder[]} | PullRow[] |
 * | GET /api/pulls · POST /api/pulls/:id/again · /cancel | | PullRow[] |
 * | PATCH · DELETE /api/remotes/:id | RemoteChange | RemoteSystem · 204 |
 * | GET /api/folders · POST /api/folders/trial | FolderForm & {id?} | FolderView[] · FolderTrial |
 * | POST /api/folders · PATCH · DELETE /api/folders/:id | FolderForm | WatchedFolder · 204 |
 * | GET /api/quarantine?reason&search&after&limit | | QuarantinePage |
 * | GET /api/quarantine/decisions | | QuarantineDecision[] |
 * | GET /api/quarantine/:id · …/file · …/peek?offset&length · …/picture | | QuarantineView · bytes · bytes · image/jpeg |
 * | POST /api/quarantine/:id/release · /as-new · /replace · /discard | {reason, despiteReport?} | UploadResult · 204 |
 * | GET · POST /api/rules · PATCH · DELETE /api/rules/:id | RuleForm | Rule[] · Rule |
 * | POST /api/studies/:uid/forward | {remoteId, parts} | Forward |
 * | GET /api/forwards · POST /api/forwards/:id/again · /cancel | | Forward[] |
 * | GET /api/recycled?before&erased | | RecycledPage · POST Removal → RecycledRow |
 * | POST /api/recycled/:id/restore · DELETE /api/recycled/:id | | 204 |
 * | GET · PUT /api/deletion · POST /api/deletion/preview | DeletionPolicy | DeletionView · {reached} |
 * | GET /api/users · POST /api/users · PATCH /api/users/:id | UserForm | Person[] · Person |
 * | GET /api/tokens · POST /api/tokens · DELETE /api/tokens/:id | {name, roles} | TokenRow[] · {token} once |
 * | GET /api/audit?before&kind&study&actor | | AuditRow[] |
 * | POST /api/audit/verify | | AuditVerdict |
 * | GET /api/doctor | | DoctorLine[] |
 * | GET /api/upkeep | | UpkeepView · POST /api/upkeep/jobs/:kind/retry → {jobs} · POST /api/upkeep/backup → 204 |
 *
 * Pixels, metadata, thumbnails and rendered frames come from DICOMweb (`/dicom-web`) with the same session cookie:
 * `/dicom-web/studies/{s}/series/{s}/instances/{i}/frames/1`, `/metadata`, `/thumbnail?viewport=128,128`, `/rendered`.
 */
import type {
  AeRow,
  CorrectionRow,
  DamagedRow,
  DeletionPolicy,
  QuarantineLook,
  QuarantineReason,
  QuarantineRow,
  RecycledRow,
  SenderRow,
  StudyRow,
  VerificationState,
} from '../../archive/types.ts';
import type { ModelManifest, PackageVersion, Text } from '../../assist/types.ts';
import type { ProtocolForm } from '../../evidence/gates/types.ts';
export type { Plan, PlanForm, Question } from '../../evidence/planner/plan.ts';
import type { Queue, QueueCase, QueueToLabel } from '../../evidence/labelling/types.ts';
import type { Unlike } from '../../evidence/claims/compare.ts';
import type { ClaimCard } from '../../evidence/claims/types.ts';
import type { ReadingFact, Stage, StageAct } from '../../evidence/types.ts';
import type { Language, Person, Role } from '../../people/types.ts';
import type { JobQueue } from '../../store/types.ts';
import type { RemoteStudy } from '../../remote/types.ts';
import type { ValidationRow } from '../../validation/studies.ts';

export type * from '../../reading/types.ts';
export type { Mark, MarkKind, Presentation, Quantity } from '../../measure/marks.ts';
export type {
  AeRow,
  CorrectedField,
  CorrectionRow,
  DeletionPolicy,
  FolderForm,
  InstanceRow,
  QuarantineDecision,
  QuarantineReason,
  QuarantineRow,
  ReceiptRow,
  RecycledRow,
  SeriesRow,
  StudyRow,
  WatchedFolder,
} from '../../archive/types.ts';
export type {
  Box,
  BrokenPackage,
  CheckResult,
  ModelManifest,
  NotRunReason,
  RunRow,
  RunImage,
  Text,
} from '../../assist/types.ts';
export type {
  Answer,
  EvidenceSummary,
  ToolMonitoring,
  FigureKey,
  Proportion,
  ReadingFact,
  RejectReason,
  Stage,
  StageAct,
} from '../../evidence/types.ts';
export type {
  Adjusted,
  NotComparable,
  Spread,
  Stretch,
  Turnaround,
} from '../../evidence/turnaround/types.ts';
export type { ClaimCard, ClaimFigure, ClaimForm } from '../../evidence/claims/types.ts';
export type { GateLook, NextStep, Overview, OverviewRow } from '../../evidence/overview/types.ts';
export type {
  Breach,
  Deviation,
  Gate,
  GateReason,
  GateView,
  Hypothesis,
  Measure,
  Protocol,
  ProtocolForm,
  ProtocolStage,
  SafetyLimit,
  Subgroup,
} from '../../evidence/gates/types.ts';
export type {
  CaseToLabel,
  Corrected,
  Desk,
  DrawForm,
  Frame,
  LabelBox,
  LabelForm,
  LabelKind,
  Queue,
  QueueCase,
  QueueFigureKey,
  QueueFigures,
  QueueOverview,
  QueueToLabel,
} from '../../evidence/labelling/types.ts';
export type {
  Clustered,
  Dimension,
  Inputs,
  Measures,
  MeasureQuery,
  Pair,
  ToolMeasures,
  VersionPair,
} from '../../evidence/measures/types.ts';
export type {
  FollowUpForm,
  FollowUpMethod,
  ImportProblem,
  ImportReport,
  Reference,
  ReferenceEntry,
  ReferenceOrigin,
  StudyReferences,
} from '../../evidence/reference/types.ts';
export type { Language, Person, Role } from '../../people/types.ts';
export type { Forward, Occasion, Part, Rule, RuleForm } from '../../delivery/forward/types.ts';
export type {
  Identity,
  Kind,
  NewRemote,
  PullOrder,
  PullRow,
  QueryForm,
  RemoteChange,
  RemoteForm,
  RemoteStudy,
  RemoteSystem,
  Trial,
  WebAuth,
} from '../../remote/types.ts';

export type { StudyForm, StudySummary, ValidationRow } from '../../validation/studies.ts';

export interface ApiError {
  error: { code: string; message: string; details: Record<string, string | number | boolean> };
}

export interface Me {
  person: Person;
  /** The screen was locked by idleness: everything but /api/unlock answers 423 until unlocked. */
  locked: boolean;
  /** A PIN may sign; after `passwordNeededAt` the password is asked instead. */
  pinUsableUntil: number | null;
  idleLockMs: number;
  csrf: string; // sent back as `x-csrf` with every writing call
  theme: 'dark' | 'light' | 'system';
}
export interface MePatch {
  language?: Language;
  theme?: Me['theme'];
  /** Setting a PIN or password needs the present password. */
  currentPassword?: string;
  pin?: string;
  password?: string;
}
export interface SiteStatus {
  setupNeeded: boolean;
  version: string;
  languageDefault: Language;
  site?: {
    aeTitle: string;
    dicomPort: number;
    webUrl: string;
    network: 'local' | 'network';
    timeZone: string;
    now: number;
    /** 'ok' or what is wrong, since when: codes for the catalogue `status.<code>`. */
    health: { ok: boolean; problems: { code: string; since: number; detail?: string }[] };
    knocks: number;
    quarantined: number;
  };
}
/** Where the practice is reached, as it chose. */
export interface NetworkPlan {
  exposure: 'local' | 'network';
  tls: 'own-ca' | 'certificate' | 'proxy' | null;
  certPath: string | null;
  keyPath: string | null;
}
export interface Practice {
  /** Heads the reports; may be empty. */
  name: string;
  /** Of pages before anyone signed in. */
  language: Language;
  network: NetworkPlan;
  /** Flags of the start say where it listens: nothing to choose. */
  networkFixed: boolean;
}
export interface SetupRequest {
  /** From the one-time link. */
  token: string;
  name: string;
  login: string;
  password: string;
  pin?: string;
  alsoReader: boolean;
  language: Language;
  exposure: 'local' | 'network';
  tls?: 'own-ca' | 'certificate' | 'proxy';
  certPath?: string;
  keyPath?: string;
  siteName?: string;
  understood: true; // research software, not a medical device
}
export interface SessionRow {
  id: string;
  current: boolean;
  createdAt: number;
  lastSeenAt: number;
  userAgent: string;
  address: string;
}
export type LiveMessage =
  | { type: 'study'; studyUid: string } // something about it changed: list and open page reload it
  | { type: 'knock' }
  | { type: 'quarantine' }
  | { type: 'stage'; modelId: string }
  | { type: 'discrepancy' }
  | { type: 'hello'; seq: number };

export type UploadResult =
  | { status: 'stored' | 'duplicate'; studyUid: string; sopInstanceUid: string }
  | { status: 'quarantined'; id: string; reason: QuarantineRow['reason']; detail: string }
  /** `files`: what a DICOMDIR names, relative to the folder it lies in, components joined by `/`. */
  | { status: 'ignored'; reason: Beside; files?: string[] }
  | { status: 'needs-form'; mediaType: Wrappable }
  /** A zip archive: what became of the files in it, and which of them a person should know of (1,000 at most). */
  | {
      status: 'unpacked';
      counts: Record<
        'stored' | 'duplicate' | 'quarantined' | 'refused' | 'ignored' | 'unreadable' | 'missing',
        number
      >;
      problems: { name: string; status: string; reason: string; detail: string }[];
    }
  | { status: 'refused'; reason: string; detail: string };
/** What becomes a DICOM object once somebody has said whose it is. */
export type Wrappable =
  'image/jpeg' | 'image/png' | 'application/pdf' | 'video/mp4' | 'video/mpeg' | 'video/mp2t';
/** What is no image for the archive: left where it is, and counted. */
export type Beside = 'dicomdir' | 'not-an-image' | 'video/other' | 'other-archive';
/** A folder that is looked into for new files. */
export interface FolderView {
  /** Null: of the configuration, which alone changes it. */
  id: string | null;
  path: string;
  after: 'leave' | 'move' | 'delete';
  /** `absent`: not there, or its share is not connected; it is looked for again. */
  state: 'starting' | 'watching' | 'absent' | 'full';
  /** When that began, ms UTC. */
  since: number;
  /** When it was last looked through, ms UTC; null before the first time. */
  lookedAt: number | null;
  /** Files that may still be being written. */
  waiting: number;
  /** Files dealt with since the program started. */
  taken: number;
  /** What could not be taken in, newest first, 50 at most. */
  failures: { name: string; outcome: string; detail: string; at: number }[];
}

/** What would come of watching a folder. */
export interface FolderTrial {
  ok: boolean;
  code:
    | 'ok'
    | 'not-absolute'
    | 'absent'
    | 'not-a-folder'
    | 'unreadable'
    | 'read-only'
    | 'inside-data'
    | 'watched-already';
  /** Files in it, as far as they were counted: `more` says that there are others. */
  files: number;
  more: boolean;
  /** Of the first 50. */
  images: number;
  /** It lies on another computer. */
  share: boolean;
}

/** Whose a photo, document or film is, and what it shows. */
export interface AttachmentForm {
  patientId: string;
  familyName: string;
  givenName: string;
  birthDate: string; // YYYYMMDD or ''
  sex: '' | 'F' | 'M' | 'O';
  studyDate: string; // YYYYMMDD
  bodyPart: string; // defined term
  laterality: '' | 'L' | 'R' | 'B';
  /** Of a new exam; also the title of a document, and of the series. */
  description: string;
  /** What a film shows: a body from outside, from inside, or a screen. */
  filmed?: 'photographic' | 'endoscopic' | 'capture';
  /** Into this exam: patient and exam are its own, and only `patientId` of the form is compared with it. */
  studyUid?: string;
}
export interface PatientCorrection {
  fields: Partial<
    Pick<
      StudyRow,
      'patientId' | 'patientName' | 'birthDate' | 'sex' | 'accession' | 'description' | 'indication'
    >
  >;
  reason: string;
}
export interface ModelView {
  manifest: Pick<
    ModelManifest,
    | 'id'
    | 'version'
    | 'name'
    | 'summary'
    | 'maker'
    | 'licence'
    | 'regulatory'
    | 'intendedUse'
    | 'labels'
    | 'outputs'
    | 'finding'
    | 'question'
    | 'operatingPoints'
    | 'defaultOperatingPoint'
  >;
  enabled: boolean;
  removed: boolean;
  /** What lies here of it, that in use too. */
  versions: PackageVersionView[];
  stage: Stage;
  blindFirst: boolean;
  readers: { personId: string; name: string }[];
  acts: StageAct[];
  /** May the person asking change the stage. */
  mayChange: boolean;
  /** Markdown of CARD.md. */
  card: string;
}
export interface PackageVersionView extends Pick<PackageVersion, 'origin' | 'signer' | 'addedAt'> {
  version: string;
}
export interface StageRequest {
  stage: Stage;
  readers?: string[]; // person ids
  blindFirst?: boolean;
  reason: string;
  secret: string; // PIN or password: it is a signed act
}
export interface ProtocolRequest extends ProtocolForm {
  secret: string; // PIN or password: it is a signed act
}
export interface ValidationPage {
  /** Folders of images that the configuration offers, besides the archive. */
  folders: string[];
  /** Newest first. */
  studies: ValidationRow[];
}
/** So many cases of a figure are listed. */
export const MOST_CASES = 500;
export interface CaseRow {
  fact: ReadingFact;
  study: StudyRow;
}
export interface ClaimsView {
  /** `looks`: of each figure, which axis it may stand on, and in what it is not the same thing as the tool's own. */
  cards: (ClaimCard & { looks: { axis: string; unlike: Unlike[]; near: boolean }[] })[];
  mayEdit: boolean;
}
export interface LabellingQueueView {
  queues: Queue[];
  /** What there is to draw from. */
  tools: { modelVersion: string; operatingPoint: string; studies: number }[];
}
export interface QueueCaseRow {
  case: QueueCase;
  /** Null once it was deleted. */
  study: StudyRow | null;
}
export interface QueueToLabelRow extends QueueToLabel {
  /** The tool's question, where it asks one. */
  question: Text | null;
}
export interface UserForm {
  name?: string;
  login?: string;
  password?: string;
  roles?: Role[];
  language?: Language;
  disabled?: boolean;
}
export interface TokenRow {
  id: string;
  name: string;
  roles: Role[];
  createdAt: number;
  lastUsedAt: number | null;
}
export interface AuditRow {
  seq: number;
  at: number;
  kind: string;
  actor: string | null;
  actorName: string | null;
  studyUid: string | null;
  subject: string | null;
  payload: Record<string, unknown> | null;
  /** Of the study it is about, as it is now; the log itself holds no name. */
  study: StudyRow | null;
  /** Of a correction of patient data: what it changed, and why. */
  corrections: CorrectionRow[];
}
export interface AuditVerdict {
  ok: boolean;
  events: number;
  brokenAt?: number;
  reason?: string;
}
export interface DoctorLine {
  code: string;
  ok: boolean;
  /** Plain sentence in both languages, with what to do. */
  text: Text;
}
/** One line of an answer to a query; `more`: there are more than are given. */
export type QueryLine = { study: RemoteStudy } | { end: 'all' | 'more' } | { end: 'failed'; text: Text };
export interface UpkeepView {
  disk: DiskRoom;
  senders: SenderRow[];
  queues: JobQueue[];
  verification: VerificationState;
  damaged: DamagedRow[];
  /** End of the certificate; null without one here. */
  certificateEnds: number | null;
  /** When a person last said that a backup was made. */
  backupAt: number | null;
}
export interface DiskRoom {
  /** Bytes. */
  free: number;
  size: number;
  /** Below it nothing is taken in. */
  reserve: number;
  /** Bytes a day that became less, over the last weeks; null before there are two days to compare. */
  perDay: number | null;
  /** Until images are refused; null when nothing says so. */
  daysLeft: number | null;
}
export interface QuarantinePage {
  rows: QuarantineRow[];
  counts: Partial<Record<QuarantineReason, number>>;
}
/** `told`: the status that the sender got, PS3.7 C or the Failure Reason of STOW-RS, four hex digits. */
export type QuarantineView = QuarantineLook & { told: string };
export interface RecycledPage {
  rows: RecycledRow[];
  total: number;
}
export interface Removal {
  studyUid: string;
  seriesUid?: string;
  sopInstanceUid?: string;
  reason: string;
  /** After `report-in-retention`, once a person has confirmed. */
  despiteReport?: boolean;
}
export interface DeletionView {
  policy: DeletionPolicy;
  /** Studies that each rule reaches today. */
  reached: number[];
}
export type { AeRow as KnockRow };
