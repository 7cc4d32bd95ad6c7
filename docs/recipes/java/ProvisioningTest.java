import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import static org.junit.jupiter.api.Assertions.assertTrue;

@Execution(ExecutionMode.CONCURRENT)
class ProvisioningTest {
    @Test
    void aLostAnswerMakesNoSecondUser() throws Exception {
        try (MockScim scim = new MockScim("{\"profile\": \"standard\", \"seed\": 7}")) {
            scim.fault("""
                {"type": "lost_ack", "match": {"operation": "user.create"}, "times": 1}""");
            new Client(scim.baseUrl, scim.token).provision("eve@example.com");
            scim.verify("""
                {"operation": "user.create", "where": "userName eq \\"eve@example.com\\"", "count": 1}""");
            scim.check();
        }
    }

    @Test
    void anAccountOfSegmentKeepsItsName() throws Exception {
        try (MockScim scim = new MockScim("{\"profile\": \"segment\", \"fixture\": \"segment-workspace\"}")) {
            String bob = new Client(scim.baseUrl, scim.token).provision("bob@example.com");
            assertTrue(bob.contains("\"displayName\":\"Bob, as he chose it\""), bob);
        }
    }

    /** The client that is tested; yours takes its place. It looks before it creates, and looks again when in doubt. */
    record Client(String baseUrl, String token) {
        private static final HttpClient HTTP = HttpClient.newHttpClient();

        String provision(String userName) throws IOException, InterruptedException {
            String filter = URLEncoder.encode("userName eq \"" + userName + "\"", StandardCharsets.UTF_8);
            String schema = "urn:ietf:params:scim:schemas:core:2.0:User";
            String user = "{\"schemas\":[\"" + schema + "\"],\"userName\":\"" + userName + "\"}";
            for (int attempt = 0; attempt < 3; attempt++) {
                HttpResponse<String> found = ask("GET", "/Users?filter=" + filter, "");
                if (found.statusCode() == 200 && !found.body().contains("\"totalResults\":0")) {
                    return found.body();
                }
                try {
                    HttpResponse<String> made = ask("POST", "/Users", user);
                    if (made.statusCode() == 201) {
                        return made.body();
                    }
                } catch (IOException noAnswer) {
                    // It may have been created all the same.
                }
            }
            throw new IOException(userName + " could not be provisioned");
        }

        private HttpResponse<String> ask(String method, String path, String body)
            throws IOException, InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(URI.create(baseUrl + path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/scim+json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
            return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        }
    }
}
