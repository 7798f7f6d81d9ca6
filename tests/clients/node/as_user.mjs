// A program that acts as a user: it signs nothing and sends the user's token with each call.

import {
  DescribeRootFoldersCommand,
  GetCurrentUserCommand,
  InitiateDocumentVersionUploadCommand,
  UpdateDocumentVersionCommand,
  WorkDocsClient,
} from "@aws-sdk/client-workdocs";

const AuthenticationToken = process.env.TOKEN;
const noAuth = {
  schemeId: "smithy.api#noAuth",
  identityProvider: () => async () => ({}),
  signer: { sign: async (request) => request },
};
const workdocs = new WorkDocsClient({
  endpoint: process.env.AWS_ENDPOINT_URL_WORKDOCS,
  region: "us-east-1",
  httpAuthSchemes: [noAuth],
  httpAuthSchemeProvider: () => [{ schemeId: noAuth.schemeId }],
});

const { User } = await workdocs.send(new GetCurrentUserCommand({ AuthenticationToken }));
const { Folders } = await workdocs.send(new DescribeRootFoldersCommand({ AuthenticationToken }));

const begun = await workdocs.send(
  new InitiateDocumentVersionUploadCommand({
    AuthenticationToken,
    ParentFolderId: Folders[0].Id,
    Name: "from-javascript.txt",
  }),
);
const { UploadUrl, SignedHeaders } = begun.UploadMetadata;
const sent = await fetch(UploadUrl, { method: "PUT", body: "Hello\n", headers: SignedHeaders });
if (!sent.ok) throw new Error(`the upload was answered ${sent.status}`);
await workdocs.send(
  new UpdateDocumentVersionCommand({
    AuthenticationToken,
    DocumentId: begun.Metadata.Id,
    VersionId: begun.Metadata.LatestVersionMetadata.Id,
    VersionStatus: "ACTIVE",
  }),
);
console.log(User.Username);
