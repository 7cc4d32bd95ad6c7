import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests that run at the same time in one JVM do not see each other. */
@Execution(ExecutionMode.CONCURRENT)
class Isolated {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final CyclicBarrier TOGETHER = new CyclicBarrier(4);
    private static final String[] TOKENS = new String[4];

    @Test void first() throws Exception { alone(0); }
    @Test void second() throws Exception { alone(1); }
    @Test void third() throws Exception { alone(2); }
    @Test void fourth() throws Exception { alone(3); }

    private static void alone(int n) throws Exception {
        int status = n % 2 == 1 ? 503 : 201;
        try (MockScim scim = new MockScim("{}")) {
            if (status == 503) {
                scim.fault("{\"type\":\"abort\",\"parameters\":{\"status\":503},\"match\":{\"operation\":\"user.create\"}}");
            }
            TOKENS[n] = scim.token;
            TOGETHER.await(30, TimeUnit.SECONDS); // nobody goes on before all are here
            expect(create(scim.baseUrl, scim.token), status);
            expect(create(scim.baseUrl, TOKENS[(n + 1) % 4]), 401);
            scim.verify("{\"operation\":\"user.create\",\"status\":" + status + ",\"count\":1}");
        }
    }

    private static void expect(int found, int expected) {
        assertTrue(found == expected, found + " in place of " + expected);
    }

    private static int create(String baseUrl, String token) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(baseUrl + "/Users"))
            .header("Authorization", "Bearer " + token)
            .POST(HttpRequest.BodyPublishers.ofString("{\"userName\":\"ann@example.com\"}"))
            .build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
    }
}
