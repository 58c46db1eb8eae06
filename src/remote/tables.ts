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

export type RemoteTables = { remote_system: RemoteTable };
