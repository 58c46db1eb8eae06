/**
 * The main job in a real Chromium, as the README tells it: first visit, images by C-STORE and by drag and drop, AI, pilot,
 * reading, signature, evidence, audit. It fails on any error on the console.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  browserMissing,
  openBrowser,
  openPage,
  PASSWORD,
  PIN,
  radiograph,
  remove,
  SHARED,
  startServer,
  type Server,
} from './harness.ts';

const send = (port: number, ...files: string[]) =>
  execFileSync('storescu', ['-R', '-aec', 'NEGATOSCOPE', '127.0.0.1', String(port), ...files], {
    stdio: 'pipe',
  });

describe.skipIf(browserMissing)('the main job', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    server = await startServer();
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser));
    page.setDefaultTimeout(30_000);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    remove(server);
  });
  const row = (name: string | RegExp) => page.locator('.wl-list').getByText(name).first();

  test('first visit: account, notice, empty list that says how to fill it', async () => {
    await page.goto(server.setup!);
    await page.getByLabel('Nom, tel qu’il figurera').fill('Dr Anne Marchand');
    const passwords = page.locator('input[type=password]');
    await passwords.nth(0).fill(PASSWORD);
    await passwords.nth(1).fill(PASSWORD);
    await page.getByLabel('Code PIN pour signer').fill(PIN);
    await page.getByRole('checkbox', { name: /J’ai compris/ }).check();
    await page.getByRole('button', { name: 'Commencer' }).click();
    await page
      .getByText(/NEGATOSCOPE/)
      .first()
      .waitFor();
    expect(await page.content()).toContain(String(server.dicomPort));
    // The link works once.
    const again = await fetch(`${server.url}/api/status`).then((response) => response.json());
    expect(again.setupNeeded).toBe(false);
  });

  test('an image sent by C-STORE is in the list within two seconds, without a reload', async () => {
    execFileSync('echoscu', ['-aec', 'NEGATOSCOPE', '127.0.0.1', String(server.dicomPort)]);
    send(server.dicomPort, radiograph('DX21_HAND_PA_1494.dcm'));
    await row(/GAGNÉ/).waitFor({ timeout: 2000 });
  });

  test('files dropped on the page come in; a photo asks for its patient', async () => {
    const drop = async (files: { path: string; type: string }[]) => {
      const transfer = await page.evaluateHandle(
        (list) => {
          const data = new DataTransfer();
          for (const { name, type, base64 } of list)
            data.items.add(
              new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type }),
            );
          return data;
        },
        files.map(({ path, type }) => ({
          name: path.split('/').at(-1)!,
          type,
          base64: readFileSync(path).toString('base64'),
        })),
      );
      for (const event of ['dragenter', 'dragover', 'drop'])
        await page.locator('body').dispatchEvent(event, { dataTransfer: transfer });
    };
    await drop([
      { path: radiograph('DX11_SHOULDER_AP_3616.dcm'), type: 'application/dicom' },
      { path: radiograph('DX13_PELVIS_AP_2180.dcm'.replace('2180', '1232')), type: 'application/dicom' },
      { path: `${SHARED}/dicom/charsets/chrArab.dcm`, type: '' },
    ]);
    await row(/ÇELIK/).waitFor();
    await row(/HÉNAFF/).waitFor();
    await drop([{ path: `${SHARED}/radiographs/images/IMG0000303.jpg`, type: 'image/jpeg' }]);
    const form = page.getByRole('dialog');
    await form.waitFor();
    await form.getByLabel('Nom', { exact: true }).fill('Moreau');
    await form.getByLabel('Prénom').fill('Émile');
    await form.getByLabel('Région').selectOption({ label: 'Main' });
    await form.getByRole('button', { name: 'Enregistrer' }).click();
    await row(/MOREAU/).waitFor();
  });

  test('AI runs, and the list says that it did or why not, never what it found', async () => {
    await expect
      .poll(() => page.locator('.wl-list').getByText('Analysée').count(), { timeout: 60_000 })
      .toBe(2);
    await row('Non exécutée : bassin').waitFor();
    await expect
      .poll(
        () =>
          page
            .locator('.wl-list')
            .getByText(/Non exécutée.:.photo/)
            .count(),
        { timeout: 30_000 },
      )
      .toBe(1);
    expect(await page.locator('.wl-list').textContent()).not.toMatch(/fracture suspectée|positi|score/i);
  });

  test('in evaluation the reading page shows nothing of it', async () => {
    await row(/GAGNÉ/).dblclick();
    await page.waitForURL(/\/read\//);
    await page.locator('.stage[data-ready]').waitFor();
    await page.getByText('rien n’est montré avant la signature').waitFor();
    expect(await page.locator('.mark').count()).toBe(0);
    await page.getByRole('button', { name: 'Liste de travail' }).click();
  });

  test('the administrator who is a physician opens a pilot by a signed act', async () => {
    await page.goto(`${server.url}/evidence`);
    await page.getByRole('button', { name: 'Changer de phase' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Pilote', { exact: false }).first().click();
    const me = dialog.getByRole('checkbox', { name: /Marchand/ });
    if (!(await me.isChecked())) await me.check();
    await dialog.getByLabel('Motif').fill('Deux semaines aux urgences');
    await dialog.locator('input[type=password]').fill(PIN);
    await dialog.getByRole('button', { name: /Signer/ }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page
      .getByText(/Pilote\./)
      .first()
      .waitFor();
  });

  test('own opinion first, then the mark; accept by one key; sign with the PIN', async () => {
    await page.goto(server.url);
    await row(/GAGNÉ/).dblclick();
    await page.locator('.stage[data-ready]').waitFor();
    await page.getByText('Votre avis d’abord').first().waitFor();
    expect(await page.locator('.mark').count()).toBe(0);
    await page.locator('.opinion').getByRole('button', { name: 'Oui' }).click();
    await page.getByRole('button', { name: /Donner mon avis/ }).click();
    await page.locator('.mark.ai').first().waitFor();
    expect(await page.getByText('87').first().isVisible()).toBe(true);
    // Nothing is chosen for the reader.
    for (const name of ['Retenir', 'Corriger', 'Écarter'])
      expect(await page.getByRole('button', { name }).getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('a');
    expect(await page.locator('.mark').count()).toBe(0);
    await page.keyboard.press('a');
    await page.locator('.mark.ai').first().waitFor();

    // Signing says why it is not possible yet.
    const sign = page.locator('.foot').getByRole('button');
    expect(await sign.getAttribute('aria-disabled')).toBe('true');
    await page.getByText(/Décidez la constatation 1/).waitFor();
    await page.keyboard.press('o');
    await page.locator('.mark.accepted').first().waitFor();

    // Letters are letters in a text field.
    await page.getByLabel('Indication').fill('Chute, douleur du poignet.');
    await page.getByLabel('Indication').press('n');
    expect(await page.locator('.mark.accepted').count()).toBeGreaterThan(0);
    await page.getByLabel('Conclusion', { exact: true }).fill('Fracture de l’extrémité distale du radius.');
    await page.locator('.report').getByRole('button', { name: 'Oui' }).click();
    await page.getByRole('checkbox', { name: /Patient informé/ }).check();
    await expect.poll(() => sign.getAttribute('aria-disabled'), { timeout: 15_000 }).toBe('false');
    await page.keyboard.press('Control+Enter');
    const dialog = page.getByRole('dialog');
    await dialog.locator('input[type=password]').fill('0000');
    await dialog.getByRole('button', { name: /Signer/ }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.locator('input[type=password]').fill(PIN);
    await dialog.getByRole('button', { name: /Signer/ }).click();
    await page
      .getByText(/Compte rendu signé/)
      .first()
      .waitFor();
  });

  test('after signing the next study opens; a correction moves the box', async () => {
    await page.goto(server.url);
    await page.getByText('Signés aujourd’hui').first().click();
    await row(/GAGNÉ/).dblclick();
    await page.locator('.signed-report').waitFor();
    expect(await page.locator('.signed-report').textContent()).toContain(
      'Fracture de l’extrémité distale du radius.',
    );
    // Accepted by one key, never typed: it stands in the signed findings.
    expect(await page.locator('.signed-report').textContent()).toContain('côté droit : Fracture.');
    const href = await page.getByRole('link', { name: 'PDF' }).getAttribute('href');
    const pdf = await page.request.get(server.url + href);
    expect(pdf.headers()['content-type']).toBe('application/pdf');
    expect((await pdf.body()).subarray(0, 5).toString()).toBe('%PDF-');
    await page.getByRole('button', { name: 'Ajouter un addendum' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Addendum').fill('Côté droit précisé.');
    await dialog.locator('input[type=password]').fill(PIN);
    await dialog.getByRole('button', { name: /Signer/ }).click();
    await page.locator('.addendum').waitFor();
    expect(await page.locator('.addendum').textContent()).toContain('Côté droit précisé.');
  });

  test('an image that arrives after the signature reopens the study', async () => {
    const late = `${server.dir}/late.dcm`;
    execFileSync('cp', [radiograph('DX21_HAND_PA_1494.dcm'), late]);
    execFileSync('dcmodify', ['-nb', '-gin', late], { stdio: 'pipe' });
    send(server.dicomPort, late);
    await page.goto(server.url);
    await page.getByText('Rouverts').first().click();
    await row(/GAGNÉ/).waitFor({ timeout: 15_000 });
  });

  test('keys live after a click in the image; a mark is corrected with the mouse; a length has its unit', async () => {
    await row(/GAGNÉ/).dblclick();
    await page.locator('.stage[data-ready]').first().waitFor();
    const again = page.locator('.opinion');
    await again.or(page.locator('.mark')).first().waitFor();
    if (await again.count()) {
      await again.getByRole('button', { name: 'Oui' }).click();
      await page.getByRole('button', { name: /Donner mon avis/ }).click();
    }
    await page.locator('.mark.ai').first().waitFor();
    const stage = (await page.locator('.stage').first().boundingBox())!;
    await page.mouse.click(stage.x + 40, stage.y + stage.height / 2);
    await page.keyboard.press('l');
    await page.getByRole('button', { name: 'Longueur' }).and(page.locator('[aria-pressed=true]')).waitFor();
    await page.mouse.move(stage.x + 300, stage.y + 200);
    await page.mouse.down();
    await page.mouse.move(stage.x + 380, stage.y + 260, { steps: 6 });
    await page.mouse.up();
    await page.mouse.move(stage.x + 20, stage.y + 20);
    await expect
      .poll(() =>
        page
          .locator('.stage svg')
          .allTextContents()
          .then((all) => all.join(' ')),
      )
      .toMatch(/\d\smm/);

    await page
      .getByRole('button', { name: /Corriger/ })
      .first()
      .click();
    const label = page.locator('.correction input');
    await label.fill('Fracture du radius distal');
    const handle = (await page.locator('.mark.editing .reach').nth(4).boundingBox())!;
    await page.mouse.move(handle.x + 14, handle.y + 14);
    await page.mouse.down();
    await page.mouse.move(handle.x + 44, handle.y + 34, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Valider la correction' }).click();
    await page.locator('.proposal.human').getByText('Fracture du radius distal').waitFor();
    await page.locator('.mark.human').first().waitFor();
  });

  test('letters after “correct” or a new frame are its label; to cancel a new frame takes it away', async () => {
    await page
      .locator('.proposal.human')
      .getByRole('button', { name: /Corriger/ })
      .click();
    await page.keyboard.type('Non, trait du scaphoïde');
    expect(await page.locator('.correction input').inputValue()).toBe('Non, trait du scaphoïde');
    await page.keyboard.press('Escape');
    expect(await page.locator('.proposal.human').count()).toBe(1);

    const findings = await page.locator('.proposal').count();
    await page
      .locator('.stage')
      .first()
      .click({ position: { x: 40, y: 300 } });
    await page.keyboard.press('+');
    const sheet = (await page.locator('.draw').first().boundingBox())!;
    await page.mouse.move(sheet.x + 300, sheet.y + 300);
    await page.mouse.down();
    await page.mouse.move(sheet.x + 360, sheet.y + 350, { steps: 4 });
    await page.mouse.up();
    await page.locator('.correction').waitFor();
    await page.keyboard.type('Ulna');
    expect(await page.locator('.correction input').inputValue()).toBe('Ulna');
    await page.locator('.correction').getByRole('button', { name: 'Annuler' }).click();
    await expect.poll(() => page.locator('.proposal').count()).toBe(findings);
  });

  test('a second template replaces the first; normal text beside a finding is told and holds the signature', async () => {
    const choose = async (name: string) => {
      await page.getByRole('button', { name: 'Modèle' }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    // The image that came late has a mark of its own.
    await page.locator('.proposal.ai').getByRole('button', { name: 'Écarter' }).click();
    const conclusion = page.getByLabel('Conclusion', { exact: true });
    await choose('Poignet · normal');
    expect(await conclusion.inputValue()).toContain('Pas de lésion');
    await page.getByText(/Le texte d’un modèle normal reste/).waitFor();
    await page.locator('.foot').getByRole('button').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/Le texte d’un modèle normal reste/).waitFor();
    await dialog.locator('input[type=password]').fill(PIN);
    expect(await dialog.getByRole('button', { name: 'Signer le compte rendu' }).isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: 'Annuler' }).click();

    await choose('Poignet · rubriques');
    await expect.poll(() => conclusion.inputValue()).toBe('');
    expect(await page.getByText(/Le texte d’un modèle normal reste/).count()).toBe(0);
    await page.getByRole('button', { name: 'Annuler' }).last().click(); // of the notice
    await expect.poll(() => conclusion.inputValue()).toContain('Pas de lésion');
  });

  test('the evidence page counts the signed report', async () => {
    await page.goto(`${server.url}/evidence`);
    await page
      .getByText(/1 examen lu/)
      .first()
      .waitFor();
    expect(await page.locator('body').textContent()).toContain('Pas encore assez de cas');
  });

  test('the audit verifies', async () => {
    await page.goto(`${server.url}/settings/audit`);
    await page.getByRole('button', { name: /Vérifier/ }).click();
    await page
      .getByText(/Journal intact/)
      .first()
      .waitFor();
  });

  test('no page said anything on the console', () => {
    expect(errors).toEqual([]);
  });
});
