package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// objects says for some types where Keystone has what they manage, and which attribute has its id.
var objects = map[string]struct{ path, id string }{
	"tenancy_workspace_domain":      {"/domains/", "id"},
	"tenancy_tenant_project":        {"/projects/", "id"},
	"tenancy_project_group_binding": {"/groups/", "group_id"},
	"tenancy_workspace":             {"/domains/", "domain_id"},
}

// keystoneAnswers checks what Keystone says when it is asked for the objects in the state: 200 if they are there, 404 if
// they are gone.
func keystoneAnswers(status int) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		keystone, token, err := login()
		if err != nil {
			return err
		}
		asked := 0
		for address, it := range state.RootModule().Resources {
			object, known := objects[it.Type]
			if !known || strings.HasPrefix(address, "data.") {
				continue
			}
			id := it.Primary.Attributes[object.id]
			if id == "" {
				return fmt.Errorf("%s has no %s", address, object.id)
			}
			request, err := http.NewRequest(http.MethodGet, keystone+object.path+id, nil)
			if err != nil {
				return err
			}
			request.Header.Set("X-Auth-Token", token)
			reply, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			reply.Body.Close()
			if reply.StatusCode != status {
				return fmt.Errorf("Keystone answers %d for %s (%s), not %d", reply.StatusCode, address, id, status)
			}
			asked++
		}
		if asked == 0 {
			return fmt.Errorf("the state has nothing to ask Keystone for")
		}
		return nil
	}
}

// login gives Keystone's URL and a token of the account that the provider uses. Its clouds.yaml is in JSON.
func login() (keystone, token string, err error) {
	text, err := os.ReadFile(os.Getenv("OS_CLIENT_CONFIG_FILE"))
	if err != nil {
		return "", "", err
	}
	var file struct {
		Clouds map[string]struct {
			Auth struct {
				URL           string `json:"auth_url"`
				Username      string `json:"username"`
				Password      string `json:"password"`
				UserDomain    string `json:"user_domain_name"`
				Project       string `json:"project_name"`
				ProjectDomain string `json:"project_domain_name"`
			} `json:"auth"`
		} `json:"clouds"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return "", "", err
	}
	auth := file.Clouds[os.Getenv("OS_CLOUD")].Auth
	type object = map[string]any
	body, err := json.Marshal(object{"auth": object{
		"identity": object{
			"methods": []string{"password"},
			"password": object{"user": object{
				"name": auth.Username, "password": auth.Password, "domain": object{"name": auth.UserDomain},
			}},
		},
		"scope": object{"project": object{"name": auth.Project, "domain": object{"name": auth.ProjectDomain}}},
	}})
	if err != nil {
		return "", "", err
	}
	keystone = strings.TrimSuffix(strings.TrimSuffix(auth.URL, "/"), "/v3") + "/v3"
	reply, err := http.Post(keystone+"/auth/tokens", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", "", err
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusCreated {
		return "", "", fmt.Errorf("the login was answered with %s", reply.Status)
	}
	return keystone, reply.Header.Get("X-Subject-Token"), nil
}
