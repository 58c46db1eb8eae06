/**
 * What leaves. On `reading.report.signed` a job builds the PDF (encapsulated, PS3.3 A.45.1) and the SR (TID 1500), and
 * stores both with the study as `report` instances: repeated until both are in the archive, each exactly once.
 */
export interface Delivery {
  /** The report as PDF, made from the signed report alone: the same bytes every time. */
  pdf(reportId: string): Promise<Buffer>;
  start(): Promise<void>;
}
