/** A user that says what it likes when it likes: a channel on an association, and no rules. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { EXPLICIT_LE } from '../../dicom/index.ts';
import { Channel, DEFAULT_LIMITS } from '../channel.ts';
import {
  APPLICATION_CONTEXT,
  type AssociateAccept,
  decodeAssociateAccept,
  encodeAssociateRequest,
  type UserInformation,
} from '../pdu.ts';

/** Contexts get the identifiers 1, 3, 5 … in the order of `classes`, in explicit VR little endian. */
export async function openChannel(
  port: number,
  callingAe: string,
  classes: readonly string[],
  more: Partial<UserInformation> = {},
): Promise<{ channel: Channel; socket: Socket; accept: AssociateAccept }> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  const channel = new Channel(socket, DEFAULT_LIMITS);
  await channel.write(
    encodeAssociateRequest({
      protocolVersion: 1,
      calledAe: 'NEGATOSCOPE',
      callingAe,
      applicationContext: APPLICATION_CONTEXT,
      contexts: classes.map((abstractSyntax, i) => ({
        id: 2 * i + 1,
        abstractSyntax,
        transferSyntaxes: [EXPLICIT_LE],
      })),
      user: {
        maxPduLength: 65_536,
        implementationClassUid: '2.25.1',
        implementationVersion: 'TEST',
        roles: [],
        ...more,
      },
    }),
  );
  const { body } = await channel.readControl();
  return { channel, socket, accept: decodeAssociateAccept(body) };
}
