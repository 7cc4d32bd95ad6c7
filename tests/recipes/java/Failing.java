import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

import org.junit.jupiter.api.Test;

/** What a client that does not behave is told. */
class Failing {
    @Test
    void verify() throws Exception {
        try (MockScim scim = new MockScim("{}")) {
            twice(scim);
            scim.verify("{\"operation\":\"user.create\",\"count\":1}");
        }
    }

    @Test
    void check() throws Exception {
        try (MockScim scim = new MockScim("{}")) {
            twice(scim);
            scim.check();
        }
    }

    @Test
    void wrongRule() throws Exception {
        try (MockScim scim = new MockScim("{}")) {
            scim.fault("{\"type\":\"oops\"}");
        }
    }

    private static void twice(MockScim scim) throws Exception {
        for (String name : new String[] {"ann@example.com", "ann2@example.com"}) {
            String user = "{\"userName\":\"" + name + "\",\"externalId\":\"7\"}";
            HttpRequest request = HttpRequest.newBuilder(URI.create(scim.baseUrl + "/Users"))
                .header("Authorization", "Bearer " + scim.token)
                .POST(HttpRequest.BodyPublishers.ofString(user))
                .build();
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        }
    }
}
