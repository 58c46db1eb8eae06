import type { TransferColumns } from './transfers.ts';
import type { Identity, Kind, WebAuth } from './types.ts';

export type RemoteTable = {
  id: string;
  name: string;
  /** Lower case: the key that is unique. */
  f_name: string;
  kind: Kind;
  /** DICOMweb; empty for DIMSE. */
  url: string;
  auth: WebAuth;
  user_name: string;
  /** Secret, as the key. */
  secret: string | null;
  ae_title: string;
  host: string;
  port: number;
  tls: number;
  ca: string | null;
  identity: Identity;
  certificate: string | null;
  /** Secret: the file of the database is its owner's alone. */
  key_pem: string | null;
  commitment: number;
  calling_ae: string | null;
  send_to: number;
  query_from: number;
  move_to: number;
  enabled: number;
  created_at: number;
  changed_at: number;
};

export type PullTable = TransferColumns & {
  remote_id: string;
  remote_name: string;
  /** As the other system told; to be recognised in the list. */
  patient_name: string;
  patient_id: string;
  study_date: string;
  description: string;
  via: string | null;
  total: number | null;
  received: number;
  by_name: string;
  created_at: number;
};

export type RemoteTables = { remote_system: RemoteTable; remote_pull: PullTable };
