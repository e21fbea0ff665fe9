package apply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/cidr"
)

// blocksPerPage is the page of a collection's blocks; the largest that Route 53 gives is not documented (unconfirmed).
const blocksPerPage = 100

// Collection reads the blocks of a CIDR collection. One that does not exist has none.
func (a *Applier) Collection(ctx context.Context, id string) (cidr.Collection, error) {
	c := call[*route53.ListCidrBlocksInput, *route53.ListCidrBlocksOutput]{name: "ListCidrBlocks",
		do: a.o.Route53.ListCidrBlocks}
	collection := cidr.Collection{ID: id, Locations: make(map[string][]netip.Prefix)}
	for token, more := (*string)(nil), true; more; {
		out, err := c.send(ctx, a, &route53.ListCidrBlocksInput{CollectionId: &id, NextToken: token,
			MaxResults: aws.Int32(blocksPerPage)})
		var gone *types.NoSuchCidrCollectionException
		switch {
		case errors.As(err, &gone):
			return collection, nil
		case err != nil:
			return cidr.Collection{}, fmt.Errorf("read the CIDR collection %s: %w", id, err)
		}
		for _, b := range out.CidrBlocks {
			block, err := netip.ParsePrefix(aws.ToString(b.CidrBlock))
			if err != nil {
				return cidr.Collection{}, fmt.Errorf("read the CIDR collection %s: %w", id, err)
			}
			location := aws.ToString(b.LocationName)
			collection.Locations[location] = append(collection.Locations[location], block)
		}
		token, more = out.NextToken, aws.ToString(out.NextToken) != ""
	}
	return collection, nil
}
