/**
 * What leaves. On `reading.report.signed` a job builds the PDF (encapsulated, PS3.3 A.45.1), the SR (TID 1500) and, where the
 * reader marked something, measurements (TID 1500), key images (TID 2010) and presentation states (PS3.3 A.33.1), and stores
 * them with the study as `report` instances: repeated until all are in the archive, each exactly once.
 */
export interface Delivery {
  /** The report as PDF, made from the signed report alone: the same bytes every time. */
  pdf(reportId: string): Promise<Buffer>;
  start(): Promise<void>;
}
