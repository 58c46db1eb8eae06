import type { PullState } from './types.ts';

export type RemoteTable = {
  id: string;
  name: string;
  /** Lower case: the key that is unique. */
  f_name: string;
  ae_title: string;
  host: string;
  port: number;
  tls: number;
  ca: string | null;
  calling_ae: string | null;
  send_to: number;
  query_from: number;
  move_to: number;
  enabled: number;
  created_at: number;
  changed_at: number;
};

export type PullTable = {
  id: string;
  remote_id: string;
  remote_name: string;
  study_uid: string;
  /** As the other system told; to be recognised in the list. */
  patient_name: string;
  patient_id: string;
  study_date: string;
  description: string;
  state: PullState;
  via: string | null;
  total: number | null;
  received: number;
  /** JSON of `PullFailure[]`, the first hundred. */
  failed: string;
  /** Why it waits or has ended: code of words.ts. */
  reason: string | null;
  by_name: string;
  next_at: number | null;
  created_at: number;
  updated_at: number;
};

export type RemoteTables = { remote_system: RemoteTable; remote_pull: PullTable };
